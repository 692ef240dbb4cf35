"""A results folder → everything a report says: the one place where readers and analysis are put in line.

``Stored`` → histories → ``ReportData``. What else a report needs is read here: acknowledgements and git.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.sessions import Sessions, without_result
from tbp.asv.sources import Where
from tbp.asv.unlike_machines import unlike_machines
from tbp.errors import UsageError
from tbp.history.acknowledged import seen
from tbp.history.beside_the_branch import runs_beside
from tbp.history.build import histories
from tbp.history.events import Event
from tbp.history.known_series import findings
from tbp.history.lone_machines import lone_machines
from tbp.history.ranges import CommitOrder
from tbp.history.runs import runs
from tbp.history.stored import Stored, stored
from tbp.history.touching import MOST_COMMITS, to_ask, with_touching
from tbp.history.triage import unknown_fixes
from tbp.model.changes import History, LineRuns, State
from tbp.model.points import commits as commits_of
from tbp.model.series import Commit, SeriesKey
from tbp.project.acknowledgements import Ack, day_of, read_acks, unmatched
from tbp.project.asv_config import ACKS, AsvConfig, resolved
from tbp.project.claims_file import ClaimsFile, claims_path, read_claims
from tbp.project.commits import described
from tbp.project.revisions import base_commit
from tbp.project.touched_files import touched
from tbp.report.base.report_data import Base, ReportData, Since
from tbp.report.parts.raw_traces import results_address
from tbp.report.parts.windows import EVER, days_before
from tbp.traces.known_traces import KnownTraces

LONGEST_DAYS = 4
"""Digits of a number of days; a revision of digits only has more, as git abbreviates hashes to seven."""


class View(Struct, frozen=True):
    """The choices of the reader that change a report of the same results."""

    acks: Path | None = None  # None: reports/acks.toml beside the configuration
    base: str = ""  # a revision: only changes after it count
    since: str = ""  # a date, a revision or a number of days; empty: the newest week of the results
    site: Path | None = None  # the folder that the report will be in; None: it links to no file beside it
    machine: str = ""  # only its results; empty: those of all machines


def report_data(config: AsvConfig | None, results: Where | None, view: View | None = None) -> ReportData:
    """Returns everything known of ``results``, or of those where ``config`` keeps them.

    Raises:
        as ``stored``, and UsageError where the acknowledgements cannot be read or the base names no stored commit.
    """
    return analysed(stored(config, results, view.machine if view is not None else ""), view)


def analysed(store: Stored, view: View | None = None) -> ReportData:
    """Returns everything known of what was read. Raises UsageError as ``report_data``."""
    view = view or View()
    results, sessions, commits, config = store.results, store.sessions, store.commits, store.config
    problems = [*unlike_machines(store.fleet, store.policy.machines)]
    with KnownTraces(store.policy.names) as read:
        judged = histories(
            results, sessions, commits, read, problems, store.policy, findings, store.ratios.of, read.expect
        )
    beside = runs_beside(results, sessions, commits, store.policy)
    file, acks = _acks(config, view.acks)
    base = _base(store, view.base)
    order = CommitOrder(commits.history, commits.order)
    shown = seen(judged, acks, day_of(judged), _until(store, base), order)
    problems += [*unmatched(shown, acks, file), *unknown_fixes(acks, order, file)]
    claims = _claims(store, problems)
    lost = without_result(sessions, _measured(sessions, judged, beside))
    all_runs = runs(results, sessions, commits)
    data = ReportData(
        project=config.project if config else store.name,
        histories=shown,
        machines=results.machines,
        commit_url=config.commit_url if config else "",
        problems=(*results.problems, *sessions.problems, *store.ratios.problems, *commits.notes, *problems, *lost),
        commits=commits.order,
        tags=commits.tags,
        acks=acks,
        base=base,
        order=commits.history,
        runs=all_runs,
        lone=lone_machines(all_runs, store.fleet.ruled),
        branch=commits.branch,
        beside=beside,
        remarks=results.remarks,
        sources={name: benchmark.code for name, benchmark in results.benchmarks.items() if benchmark.code},
        since=_since(store, view.since),
        results=_address(store, view.site),
        claims=claims,
    )
    data = replace(data, joined=_events(data, config))
    return replace(data, in_ranges=_in_ranges(data, config))


def _address(store: Stored, site: Path | None) -> str:
    """The address of the results folder from the site's, where both are the project's."""
    folder = resolved(store.folder)
    project = store.config.path.parent if store.config is not None else folder.parent
    return results_address(folder, resolved(site), resolved(project)) if site is not None else ""


def _claims(store: Stored, problems: list[str]) -> ClaimsFile | None:
    """The claims of the project; a file that cannot be read is a problem, and the rest of the report stands."""
    if store.config is None:
        return None
    try:
        return read_claims(claims_path(store.config, store.policy))
    except UsageError as error:
        problems.append(f"{error}; the page of claims is left out")
        return None


def _measured(sessions: Sessions, judged: Iterable[History], beside: Iterable[LineRuns]) -> set[tuple[SeriesKey, str]]:
    """Every run of a series that has sessions, and every run beside the branch: series and hash of the commit."""
    series = [(history.key, history.points) for history in judged if sessions.commits(history.key)]
    series += [(line.key, line.points) for line in beside]
    return {(key, commit.hash) for key, points in series for commit in commits_of(points)}


def _events(data: ReportData, config: AsvConfig | None) -> tuple[Event, ...]:
    """Returns the events of ``data``, with the commits that touch the benchmark or its requirements, where known."""
    if config is None or config.repository is None:
        return data.events
    files = touched(config.repository, to_ask(data.events, data.in_order))
    return with_touching(data.events, data.in_order, files, config.benchmark_dir)


def _in_ranges(data: ReportData, config: AsvConfig | None) -> Mapping[str, Commit]:
    """Returns the commits of the ranges of events, the newest event first, as git has them: whose a change may be."""
    if config is None or config.repository is None:
        return {}
    several = [event.range for event in data.events if event.is_verdict and 1 < event.range.commits <= MOST_COMMITS]
    hashes = [name for between in several for name in data.in_order.hashes[between.start : between.end + 1]]
    return described(config.repository, hashes)


def _acks(config: AsvConfig | None, named: Path | None) -> tuple[Path, tuple[Ack, ...]]:
    """The file of acknowledgements and what is in it. Results from elsewhere have none unless one is named."""
    if named is not None and not named.exists():
        raise UsageError(f"there is no file {named}; `tbp ack --acks {named} …` makes one")
    if named is None and config is None:
        return ACKS, ()
    file = named or (config.acks_file if config is not None else ACKS)
    return file, read_acks(file)


def _base(store: Stored, revision: str) -> Base | None:
    if not revision:
        return None
    commits = {commit.hash: commit for commit in reversed(store.commits.order)}
    repository = store.config.repository if store.config else None
    return Base(revision, commits[base_commit(list(commits), repository, revision)])


def _since(store: Stored, text: str) -> Since | None:
    """The time of ``--since``: a number of days, a day, or a revision as ``--base`` takes it."""
    if not text:
        return None
    newest = max((commit.date for commit in store.commits.order), default=EVER)
    if text.isdecimal() and len(text) <= LONGEST_DAYS and int(text) > 0:
        return Since(text, days_before(newest, int(text)), int(text))
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        try:
            base = _base(store, text)
        except UsageError as error:
            forms = "a number of days (7), a day (2026-05-01) or a revision"
            raise UsageError(f"--since takes {forms}: {error}") from None
        return Since(text, base.commit.date if base is not None else newest)
    return Since(text, day if day.tzinfo is not None else day.replace(tzinfo=UTC))


def _until(store: Stored, base: Base | None) -> frozenset[str]:
    """The base and every stored commit before it."""
    if base is None:
        return frozenset()
    hashes = [commit.hash for commit in store.commits.order]
    return frozenset(hashes[: hashes.index(base.commit.hash) + 1])


def standing_regressions(histories: Iterable[History]) -> list[History]:
    """Returns the series in which a regression stands that nobody accepted.

    Vanished and stale series are none: nobody measures whether they still are slower.
    """
    return [history for history in histories if history.state is State.REGRESSION and history.standing is not None]
