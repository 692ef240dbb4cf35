"""A results folder → everything a report says: the one place where readers and analysis are put in line.

results, sessions, commits → histories → ``ReportData``. Files are read here and in the readers, nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.ratios import Ratios, read_ratios
from tbp.asv.result_folder import Reading
from tbp.asv.results import Results, results_of
from tbp.asv.sessions import Sessions, named_as_today, read_sessions, without_result
from tbp.errors import NothingMeasured, UnreadableTrace, UsageError
from tbp.history.acknowledged import seen
from tbp.history.beside_the_branch import runs_beside
from tbp.history.build import histories
from tbp.history.events import Event
from tbp.history.judge_series import SeriesFindings, SeriesRuns, judge_all
from tbp.history.known_series import KnownSeries
from tbp.history.runs import runs
from tbp.history.touching import to_ask, with_touching
from tbp.model.changes import History, State
from tbp.model.points import commits as commits_of
from tbp.project.acknowledgements import Ack, day_of, read_acks, unmatched
from tbp.project.asv_config import ACKS, AsvConfig, own_config, results_folder
from tbp.project.commits import MOST_LINES, AskedCommits, Commits, asked_of
from tbp.project.policy import Policy, read_policy
from tbp.project.revisions import base_commit
from tbp.project.touched_files import touched
from tbp.report.base.report_data import Base, ReportData
from tbp.system.worker_pool import Workers

if TYPE_CHECKING:
    from tbp.traces.operators.operators import TraceSession

SERIES_S, JUDGED_S = 1e-3, 8e-6  # about what judging a series takes on a slow core, and each of its runs
BATCH_RUNS = 8_000  # judged at a time: a twentieth of a second, and a megabyte to hand over


class Stored(Struct, frozen=True):
    """What a results folder holds, with the order of its commits and what the project asks of verdicts."""

    folder: Path
    results: Results
    sessions: Sessions
    commits: Commits
    policy: Policy
    config: AsvConfig | None  # None: the results are from elsewhere
    ratios: Ratios = Ratios({})  # of the pairs that nights measured


def stored(
    config: AsvConfig | None,
    results_dir: Path | None,
    reading: Reading | None = None,
    asked: AskedCommits | None = None,
) -> Stored:
    """Everything in ``results_dir``, or where ``config`` keeps its results; ``reading`` and ``asked`` if those began.

    Raises:
        NothingMeasured: there is no result in it.
        UsageError: the project's pyproject.toml asks for what cannot be meant.
    """
    own = own_config(config, results_dir)
    folder = results_folder(config, results_dir)
    reading = reading or Reading(folder)
    seen = (path for path, _ in reading.seen.files) if reading.seen is not None else None
    sessions = read_sessions(folder, seen)
    with asked or asked_of(own) as asked:
        asked.ask({run.commit for run in reading.files.files.runs})
        results = results_of(reading)  # while git looks
        commits = asked.commits(results.commits)
    if commits.lines and not commits.order:
        others = ", ".join(line.name for line in commits.lines[:MOST_LINES])
        raise NothingMeasured(
            f"no commit of {commits.branch} has a result in {folder}; those that have are of other lines ({others}): "
            "say --branch NAME, run `git fetch`, or correct branches in asv.conf.json"
        )
    policy = read_policy(own.policy_file) if own else Policy()
    known = named_as_today(sessions, results.benchmarks)
    return Stored(folder, results, known, commits, policy, own, read_ratios(folder))


class View(Struct, frozen=True):
    """What a report is asked besides the results."""

    acks: Path | None = None  # None: reports/acks.toml beside the configuration
    base: str = ""  # a revision: only changes after it count


def report_data(
    config: AsvConfig | None,
    results_dir: Path | None,
    workers: Workers | None = None,
    view: View | None = None,
) -> ReportData:
    """All that is known of the results in ``results_dir``, or where ``config`` keeps them.

    What did not change since the last time is taken from the cache; with ``workers``, several processes judge the rest.

    Raises:
        as ``stored``, and UsageError where the acknowledgements cannot be read or the base names no stored commit.
    """
    return judged(stored(config, results_dir), workers, view)


def judged(held: Stored, workers: Workers | None = None, view: View | None = None) -> ReportData:
    """All that is known of what was read. Raises UsageError as ``report_data``."""
    view, workers = view or View(), workers or Workers(1)
    own_runs = workers.later(partial(runs, held.results, held.sessions, held.commits))
    problems: list[str] = []
    judge = KnownSeries(held.folder, partial(_moved, workers))
    found = histories(
        held.results, held.sessions, held.commits, _trace_session, problems, held.policy, judge, held.ratios.of
    )
    with_sessions = [history for history in found if held.sessions.commits(history.key)]
    measured = {(history.key, point.commit.hash) for history in with_sessions for point in history.points}
    beside = runs_beside(held.results, held.sessions, held.commits, held.policy)
    measured |= {(own.key, commit.hash) for own in beside for commit in commits_of(own.points)}
    lost = without_result(held.sessions, measured)
    file, acks = _acks(held.config, view.acks)
    base = _base(held, view.base)
    shown = seen(found, acks, day_of(found), _until(held, base))
    problems += unmatched(shown, acks, file)
    said = (held.results.problems, held.sessions.problems, held.ratios.problems, held.commits.notes, problems, lost)
    data = ReportData(
        project=held.config.project if held.config else held.folder.resolve().name,
        histories=shown,
        machines=held.results.machines,
        commit_url=held.config.commit_url if held.config else "",
        problems=tuple(problem for part in said for problem in part),
        commits=held.commits.order,
        tags=held.commits.tags,
        acks=acks,
        base=base,
        order=held.commits.history,
        runs=own_runs(),
        branch=held.commits.branch,
        beside=beside,
        remarks=held.results.remarks,
        sources={name: one.code for name, one in held.results.benchmarks.items() if one.code},
    )
    return replace(data, joined=_events(data, held.config))


def _events(data: ReportData, config: AsvConfig | None) -> tuple[Event, ...]:
    """Returns the events of ``data``, with the commits that touch the benchmark or its requirements, where known."""
    if config is None or config.repository is None:
        return data.events
    files = touched(config.repository, to_ask(data.events, data.in_order))
    return with_touching(data.events, data.in_order, files, config.benchmark_dir)


def _trace_session(path: Path) -> TraceSession:
    """Imported where there is a trace: it brings pandas, and a small report is built in less time than that takes."""
    from tbp.traces.known_traces import trace_session

    return trace_session(path)


def _acks(config: AsvConfig | None, named: Path | None) -> tuple[Path, tuple[Ack, ...]]:
    """The file of acknowledgements and what is in it. Results from elsewhere have none unless one is named."""
    if named is not None and not named.exists():
        raise UsageError(f"there is no file {named}; `tbp ack --acks {named} …` makes one")
    if named is None and config is None:
        return ACKS, ()
    file = named or (config.acks_file if config is not None else ACKS)
    return file, read_acks(file)


def _base(held: Stored, revision: str) -> Base | None:
    if not revision:
        return None
    commits = {commit.hash: commit for commit in reversed(held.commits.order)}
    repository = held.config.repository if held.config else None
    return Base(revision, commits[base_commit(list(commits), repository, revision)])


def _until(held: Stored, base: Base | None) -> frozenset[str]:
    """The base and every stored commit before it."""
    if base is None:
        return frozenset()
    hashes = [commit.hash for commit in held.commits.order]
    return frozenset(hashes[: hashes.index(base.commit.hash) + 1])


def by_themselves(held: Stored, workers: Workers | None = None) -> tuple[History, ...]:
    """Every series as its runs alone show it: without pairs, traces and acknowledgements."""

    def no_trace(path: Path) -> TraceSession:
        raise UnreadableTrace(f"{path} is not asked for")

    judge = KnownSeries(held.folder, partial(_moved, workers or Workers(1)))
    return histories(held.results, held.sessions, held.commits, no_trace, [], held.policy, judge)


def _moved(workers: Workers, asked: Sequence[SeriesRuns]) -> Iterator[SeriesFindings]:
    """What moved in each series, found by ``workers``, who begin at once."""
    # Those of like length are judged together, the longest first: little is cheaper, and no process ends much later.
    order = sorted(range(len(asked)), key=lambda place: -len(asked[place].points))
    runs = [len(asked[place].points) for place in order]
    batches = workers.batched([asked[place] for place in order], runs, BATCH_RUNS)
    moved = chain.from_iterable(workers.map(judge_all, batches, len(asked) * SERIES_S + sum(runs) * JUDGED_S))
    return _as_asked(order, moved)


def _as_asked(order: Sequence[int], moved: Iterable[SeriesFindings]) -> Iterator[SeriesFindings]:
    """``moved``, which is of the series in ``order``, in that in which they were asked for."""
    found = dict(zip(order, moved, strict=True))
    yield from (found[place] for place in range(len(order)))


def standing_regressions(found: Iterable[History]) -> list[History]:
    """The series in which a regression stands that nobody accepted.

    Vanished and stale series are none: nobody measures whether they still are slower.
    """
    return [history for history in found if history.state is State.REGRESSION and history.standing is not None]


def acknowledged_regressions(found: Iterable[History]) -> list[History]:
    """The series whose regression the project accepts."""
    return [history for history in found if history.state is State.ACKNOWLEDGED and history.standing is not None]
