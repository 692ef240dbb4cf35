"""A results folder → everything a report says: the one place where readers and analysis are put in line.

results, sessions, commits → histories → ``ReportData``. Files are read here and in the readers, nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tbp.asv.config import DEFAULT_NAME, AsvConfig, read_config
from tbp.asv.repository import read_commits
from tbp.asv.results import read_results
from tbp.asv.sessions import read_sessions, without_result
from tbp.history.histories import histories
from tbp.history.series import History, State
from tbp.policy import DEFAULT_NAME as DEFAULT_POLICY
from tbp.policy import Policy, read_policy
from tbp.report.model import ReportData
from tbp.traces.operators import session
from tbp.traces.read import read_trace


def configuration(config: Path | None, results_dir: Path | None) -> AsvConfig | None:
    """The asv.conf.json to go by: the one named, else the one here, else none if there are results to go by.

    Raises:
        UsageError: it cannot be read, or there is neither a configuration nor a results folder.
    """
    if config is None and results_dir is not None and not Path(DEFAULT_NAME).exists():
        return None
    return read_config(config or Path(DEFAULT_NAME))


def report_data(config: AsvConfig | None, results_dir: Path | None) -> ReportData:
    """All that is known of the results in ``results_dir``, or where ``config`` keeps them.

    Raises:
        NothingMeasured: there is no result in it.
        UsageError: the project's pyproject.toml asks for what cannot be meant.
    """
    # Results from elsewhere are of other commits than this repository's: then only their dates order them.
    own = config is not None and results_dir in (None, config.results_dir)
    folder = results_dir if results_dir is not None else config.results_dir if config is not None else Path()
    results = read_results(folder)
    sessions = read_sessions(folder)
    commits = read_commits(results.commits, config.repository if own and config else None)
    problems: list[str] = []
    policy = read_policy(config.path.parent / DEFAULT_POLICY) if own and config else Policy()
    found = histories(results, sessions, commits, lambda path: session(read_trace(path)), problems, policy)
    measured = {(history.key, point.commit.hash) for history in found for point in history.points}
    said = (results.problems, sessions.problems, commits.notes, problems, without_result(sessions, measured))
    return ReportData(
        project=config.project if own and config else folder.resolve().name,
        built=datetime.now(UTC),
        histories=found,
        machines=results.machines,
        commit_url=config.commit_url if own and config else "",
        problems=tuple(problem for part in said for problem in part),
    )


def standing_regressions(found: Iterable[History], commits: Sequence[str] | None = None) -> list[History]:
    """The series whose newest confirmed change of the code is for the worse; with ``commits``, only where it is theirs.

    Vanished and stale series are none: nobody measures whether they still are slower.
    """
    return [
        history
        for history in found
        if history.state is State.REGRESSION
        and history.standing is not None
        and (commits is None or history.points[history.standing.change.index].commit.hash in commits)
    ]
