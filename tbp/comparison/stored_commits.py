"""``tbp compare``: two stored commits, nothing measured.

Takes a results folder and two revisions, gives a ``Comparison``: which commits are meant, which machine and environment
have both, and the series of these. ``tbp.comparison.judgements`` judges them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from msgspec import Struct

from tbp.asv.result_table import Value
from tbp.asv.results import Results, read_results
from tbp.asv.sessions import Sessions, named_as_today, read_sessions
from tbp.comparison.judgements import StoredSeries, differing, judgements
from tbp.errors import NothingMeasured, UsageError
from tbp.history.circumstances import Circumstances, RunCircumstances, circumstances, with_number
from tbp.history.runs_of_series import seen
from tbp.model.changes import Circumstance, State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.series import Commit, Outcome, Point, SeriesKey, Setup
from tbp.project.asv_config import AsvConfig, own_config, results_folder
from tbp.project.commits import Commits, read_commits
from tbp.project.directions import direction, undirected
from tbp.project.policy import Policy, read_policy
from tbp.project.revisions import bench_filter, stored_commit
from tbp.statistics.robust import median
from tbp.wording.phrases import FROM_STORED_RESULTS

MOST_PROBLEMS = 3  # of the results, said among the notes


class CompareRequest(Struct, frozen=True):
    """The request of the command line; empty texts: anything."""

    baseline: str
    contender: str
    machine: str = ""
    environment: str = ""
    bench: tuple[str, ...] = ()  # regular expressions; a benchmark that one of them finds is compared


def compared(config: AsvConfig | None, results_dir: Path | None, wanted: CompareRequest) -> Comparison:
    """Two commits as the results in ``results_dir``, or where ``config`` keeps them, say.

    Raises:
        UsageError: a revision names no stored commit, or the machine and environment are not clear.
        NothingMeasured: there are no results, or none of both commits on one machine in one environment.
    """
    folder = results_folder(config, results_dir)
    is_wanted = bench_filter(wanted.bench)
    results = read_results(folder)
    repository = config.repository if config is not None else Path()
    dates = results.commits
    newest_first = sorted(dates, key=lambda name: dates[name], reverse=True)
    hashes = [stored_commit(newest_first, repository, revision) for revision in (wanted.baseline, wanted.contender)]
    if hashes[0] == hashes[1]:
        raise UsageError(f"{wanted.baseline} and {wanted.contender} are the same commit {hashes[0][:8]}: name two")
    rows = [row for row in results.values() if is_wanted(row.benchmark, row.parameters)]
    if not rows:
        raise NothingMeasured(f"--bench {' '.join(wanted.bench)} finds no benchmark in {folder}; write a shorter one")
    setup, notes = chosen_setup(rows, hashes, wanted)
    commits = read_commits(dates, repository, config.branch if config is not None else "")
    order = commits.compared(*hashes)
    subjects = {commit.hash: commit.subject for commit in order}
    sides = (
        ComparedCommit(wanted.baseline, hashes[0], subjects.get(hashes[0], "")),
        ComparedCommit(wanted.contender, hashes[1], subjects.get(hashes[1], "")),
    )
    stored = stored_series(
        [row for row in rows if (row.machine, row.environment) == (setup.machine, setup.environment)],
        order,
        named_as_today(read_sessions(folder), results.benchmarks),
        _policy(config, results_dir),
    )
    judged = judgements(stored, *sides)
    return Comparison(
        project=config.project if config is not None else folder.resolve().name,
        baseline=sides[0],
        contender=sides[1],
        method=FROM_STORED_RESULTS,
        judgements=judged,
        machine=setup.machine,
        environment=setup.environment,
        notes=(
            *notes,
            *_of_lines(commits, hashes, wanted),
            *_measured_with([differing(series, *sides) for series in stored], len(judged)),
            *_ask(judged, wanted),
            *_undirected(judged),
            *_problems(results),
        ),
    )


def chosen_setup(rows: Sequence[Value], hashes: Sequence[str], wanted: CompareRequest) -> tuple[Setup, tuple[str, ...]]:
    """The machine and environment in which both commits have most benchmarks in common, and what to say of others.

    Raises:
        UsageError: several have as many.
        NothingMeasured: none has both.
    """
    cells: dict[Setup, tuple[set[object], set[object]]] = {}
    for row in rows:
        is_asked = wanted.machine in ("", row.machine) and wanted.environment in ("", row.environment)
        if is_asked and row.commit in hashes:
            sides = cells.setdefault(Setup(row.machine, row.environment), (set(), set()))
            sides[hashes.index(row.commit)].add((row.benchmark, row.parameters))
    common = {setup: len(old & new) for setup, (old, new) in cells.items() if old and new}
    if not common:
        raise NothingMeasured(_nowhere(cells, wanted))
    most = max(common.values())
    best = [setup for setup, count in common.items() if count == most]
    if len(best) > 1:
        raise UsageError(f"both were measured in several places ({_names(best)}): say --machine or --environment")
    rest = [setup for setup in common if setup != best[0]]
    note = f"both were measured elsewhere too, with fewer benchmarks in common: {_names(rest)}"
    return best[0], (note,) if rest else ()


def stored_series(
    rows: Iterable[Value], order: Sequence[Commit], sessions: Sessions, policy: Policy
) -> tuple[StoredSeries, ...]:
    """The series of ``rows``, sorted by key, each run at the place of its commit in ``order``; others are left out."""
    position = {commit.hash: index for index, commit in enumerate(order)}
    series: dict[SeriesKey, list[Value]] = {}
    for row in (row for row in rows if row.commit in position):
        series.setdefault(SeriesKey(row.benchmark, row.parameters, row.machine, row.environment), []).append(row)
    known: dict[tuple[str, ...], Circumstances] = {}
    return tuple(
        _series(
            key, sorted(series_rows, key=lambda row: position[row.commit]), position, order, sessions, policy, known
        )
        for key, series_rows in sorted(series.items())
    )


def _series(
    key: SeriesKey,
    rows: Sequence[Value],
    position: Mapping[str, int],
    order: Sequence[Commit],
    sessions: Sessions,
    policy: Policy,
    known: dict[tuple[str, ...], Circumstances],
) -> StoredSeries:
    newest = rows[-1]
    return StoredSeries(
        key=key,
        unit=newest.unit,
        better=direction(key.benchmark, newest.type, newest.unit, policy).better,
        is_counter=newest.type == "track" and newest.unit != "seconds",
        points=tuple(_point(key, row, order[position[row.commit]], sessions) for row in rows),
        versions=tuple(row.version for row in rows),
        circumstances=with_number([_run(key, row, sessions, known) for row in rows]),
    )


def _run(
    key: SeriesKey, row: Value, sessions: Sessions, known: dict[tuple[str, ...], Circumstances]
) -> RunCircumstances:
    """A run with its circumstances, which ``known`` keeps: they are the same for all of its series."""
    if row.outcome is not Outcome.MEASURED:
        return RunCircumstances({}, row.number, row.value)
    facts = (row.python, row.requirements, row.hardware, *seen(sessions, key, row.commit))
    if facts not in known:
        known[facts] = circumstances(row, *facts[-2:])
    return RunCircumstances(known[facts], row.number, row.value)


def _point(key: SeriesKey, row: Value, commit: Commit, sessions: Sessions) -> Point:
    """A run's value is the median of its processes where they are known: asv's pools their samples."""
    is_time = row.type == "time" and row.outcome is Outcome.MEASURED
    medians = tuple(value for value in sessions.medians_s(key, row.commit) if value > 0) if is_time else ()
    value = median(medians) if medians else row.value
    return Point(commit, row.outcome, value, sessions=medians, reason=sessions.skipped(key, row.commit))


def _policy(config: AsvConfig | None, results_dir: Path | None) -> Policy:
    """The policy of the project of these results, as `tbp report` takes it."""
    project = own_config(config, results_dir)
    return read_policy(project.policy_file) if project is not None else Policy()


def _nowhere(cells: Mapping[Setup, tuple[set[object], set[object]]], wanted: CompareRequest) -> str:
    sides = [
        f"{revision} in {_names(setup for setup in cells if cells[setup][side]) or 'none'}"
        for side, revision in enumerate((wanted.baseline, wanted.contender))
    ]
    return (
        f"no machine and environment has results of both: {' and '.join(sides)}; run `asv run` for the missing one, "
        f"or measure both with `tbp gate {wanted.baseline} {wanted.contender}`"
    )


def _names(setups: Iterable[Setup]) -> str:
    return "; ".join(map(str, sorted(setups)))


def _of_lines(commits: Commits, hashes: Sequence[str], wanted: CompareRequest) -> tuple[str, ...]:
    old, new = (commits.line(name) for name in hashes)
    if old == new:
        return ()
    return (f"{wanted.baseline} is of {old} and {wanted.contender} of {new}: runs of other lines are left out",)


def _measured_with(differences: Iterable[Sequence[Circumstance]], benchmarks: int) -> tuple[str, ...]:
    """Every circumstance that differs between the two sides, each once, whatever is made of it."""
    pairs: dict[str, Counter[str]] = {}
    for cause in chain.from_iterable(differences):
        pairs.setdefault(cause.name, Counter())[f"{cause.before} → {cause.after}"] += 1
    if not pairs:
        return ()
    named = [
        f"{name} {values.most_common(1)[0][0]}"
        + " or the like" * (len(values) > 1)
        + f" in {values.total()} of {benchmarks} benchmarks" * (values.total() < benchmarks)
        for name, values in pairs.items()
    ]
    return (f"the two were not measured alike: {', '.join(named)}",)


def _ask(judged: Iterable[Judgement], wanted: CompareRequest) -> tuple[str, ...]:
    if all(judgement.state is not State.UNDECIDED for judgement in judged):
        return ()
    return (f"what is undecided can be measured: run `tbp gate {wanted.baseline} {wanted.contender}`",)


def _undirected(judged: Iterable[Judgement]) -> tuple[str, ...]:
    changed = [judgement.benchmark for judgement in judged if judgement.state is State.CHANGED]
    return (undirected(changed),) if changed else ()


def _problems(results: Results) -> tuple[str, ...]:
    more = len(results.problems) - MOST_PROBLEMS
    return (
        *results.problems[:MOST_PROBLEMS],
        *([f"{more} more files or values could not be used"] if more > 0 else []),
    )
