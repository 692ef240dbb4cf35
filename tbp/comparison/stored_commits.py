"""``tbp compare``: two stored commits, nothing measured.

Takes a results folder and two revisions, gives a ``Comparison``: which commits are meant, which machine and environment
have both, and the series of these, made as a history is. Judging them is left to ``tbp.comparison.judgements``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.fleet import fleet_of, results_of, sessions_of
from tbp.asv.results import Results, nothing_of, of_machine
from tbp.asv.sessions import Sessions, named_as_today
from tbp.asv.sources import Where, source_of
from tbp.comparison.judgements import StoredSeries, differing, is_counter, judgements
from tbp.comparison.rank_notes import rank_notes
from tbp.errors import NothingMeasured, UsageError
from tbp.history.circumstances import with_number
from tbp.history.runs_of_series import SeriesRows, rows_by_series
from tbp.model.changes import Circumstance, State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.series import Commit, Setup, short_hash
from tbp.project.asv_config import AsvConfig, own_config
from tbp.project.bench_filter import BenchFilter, bench_filter
from tbp.project.commits import Commits, read_commits
from tbp.project.directions import direction, undirected
from tbp.project.near_names import near_phrase
from tbp.project.policy import Policy, read_policy
from tbp.project.revisions import stored_commit
from tbp.traces.known_traces import known_recording
from tbp.wording.phrases import FROM_STORED_RESULTS

MOST_PROBLEMS = 3  # of the results, repeated among the notes
_CELL = ["benchmark", "parameters"]


class CompareRequest(Struct, frozen=True):
    """The request of the command line; empty texts: anything."""

    baseline: str
    contender: str
    machine: str = ""
    environment: str = ""
    bench: tuple[str, ...] = ()  # regular expressions; a benchmark that one of them finds is compared


def compared(config: AsvConfig | None, where: Where | None, request: CompareRequest) -> Comparison:
    """Two commits as the results in ``where``, or where ``config`` keeps them, say.

    Raises:
        UsageError: a revision names no stored commit, the machine and environment are not clear, or pyproject.toml asks
            for what cannot be meant.
        NothingMeasured: there are no results, or none of both commits on one machine in one environment.
    """
    source = source_of(config, where)
    folder = source.folder
    is_wanted = bench_filter(request.bench)
    policy = _policy(config, where)
    recorded, sessions = source.results(), source.sessions()
    fleet = fleet_of(recorded.frame, sessions, policy.machines)
    results = results_of(recorded, fleet)
    repository = config.repository if config is not None else Path()
    dates = results.commits
    newest_first = sorted(dates, key=lambda name: dates[name], reverse=True)
    hashes = [stored_commit(newest_first, repository, revision) for revision in (request.baseline, request.contender)]
    if hashes[0] == hashes[1]:
        raise UsageError(
            f"{request.baseline} and {request.contender} are the same commit {short_hash(hashes[0])}: name two"
        )
    frame = _wanted_rows(of_machine(results, request.machine, fleet.meant(request.machine)).frame, is_wanted)
    if frame.empty:
        likely = near_phrase(" ".join(request.bench), set(results.frame["benchmark"]))
        raise NothingMeasured(f"--bench {' '.join(request.bench)} finds no benchmark in {folder}; {likely}")
    if request.environment and request.environment not in set(frame["environment"]):
        raise nothing_of("--environment", request.environment, frame["environment"].unique())
    setup, notes = chosen_setup(frame, hashes, replace(request, machine=""))
    branch, file = (config.branch, config.path) if config is not None else ("", None)
    commits = read_commits(dates, repository, branch, file)
    order = commits.compared(*hashes)
    subjects = {commit.hash: commit.subject for commit in order}
    sides = (
        ComparedCommit(request.baseline, hashes[0], subjects.get(hashes[0], "")),
        ComparedCommit(request.contender, hashes[1], subjects.get(hashes[1], "")),
    )
    of_today = named_as_today(sessions_of(sessions, fleet), results.benchmarks)
    stored = stored_series(replace(results, frame=frame[_is_of(frame, setup)]), order, of_today, policy)
    judged = judgements(stored, *sides)
    comparison = Comparison(
        project=config.project if config is not None else source.project,
        baseline=sides[0],
        contender=sides[1],
        method=FROM_STORED_RESULTS,
        judgements=judged,
        machine=setup.machine,
        environment=setup.environment,
        notes=(
            *notes,
            *_of_lines(commits, hashes, request),
            *_measured_with([differing(series, *sides) for series in stored], len(judged)),
            *_ask(judged, request),
            *_undirected(judged),
            *_problems(results),
        ),
    )
    ranks = rank_notes(comparison, of_today, partial(known_recording, rules=policy.names))
    return replace(comparison, notes=(*ranks, *comparison.notes))


def _wanted_rows(frame: pd.DataFrame, is_wanted: BenchFilter) -> pd.DataFrame:
    """The rows of the benchmarks, with their parameters, that are request."""
    group = frame.groupby(_CELL, observed=True).ngroup()
    is_first = ~group.duplicated()
    cells = zip(group[is_first], frame.loc[is_first, _CELL].itertuples(index=False, name=None), strict=True)
    return frame[group.isin([number for number, cell in cells if is_wanted(*cell)])]


def chosen_setup(frame: pd.DataFrame, hashes: Sequence[str], request: CompareRequest) -> tuple[Setup, tuple[str, ...]]:
    """The machine and environment in which both commits have most benchmarks in common, and a note on others.

    Raises:
        UsageError: several have as many.
        NothingMeasured: none has both.
    """
    cells: dict[Setup, tuple[set[object], set[object]]] = {}
    columns = ["commit", "machine", "environment", *_CELL]
    for commit, machine, environment, *cell in frame.loc[frame["commit"].isin(hashes), columns].itertuples(index=False):
        if request.machine in ("", machine) and request.environment in ("", environment):
            sides = cells.setdefault(Setup(machine, environment), (set(), set()))
            sides[hashes.index(commit)].add(tuple(cell))
    common = {setup: len(old & new) for setup, (old, new) in cells.items() if old and new}
    if not common:
        raise NothingMeasured(_nowhere(cells, request))
    most = max(common.values())
    best = [setup for setup, count in common.items() if count == most]
    if len(best) > 1:
        raise UsageError(f"both were measured in several places ({_names(best)}): say --machine or --environment")
    rest = [setup for setup in common if setup != best[0]]
    note = f"both were measured elsewhere too, with fewer benchmarks in common: {_names(rest)}"
    return best[0], (note,) if rest else ()


def _is_of(frame: pd.DataFrame, setup: Setup) -> pd.Series:
    return (frame["machine"] == setup.machine) & (frame["environment"] == setup.environment)


def stored_series(
    results: Results, order: Sequence[Commit], sessions: Sessions, policy: Policy
) -> tuple[StoredSeries, ...]:
    """The series of ``results``, sorted by key, each run at its commit's place in ``order``; others are left out."""
    return tuple(_stored(rows, policy) for rows in rows_by_series(results, sessions, Commits(tuple(order))))


def _stored(rows: SeriesRows, policy: Policy) -> StoredSeries:
    return StoredSeries(
        key=rows.key,
        unit=rows.unit,
        better=direction(rows.key.benchmark, rows.type, rows.unit, policy).better,
        is_counter=is_counter(rows.type, rows.unit),
        points=rows.points,
        versions=rows.versions,
        circumstances=with_number(rows.runs()),
    )


def _policy(config: AsvConfig | None, where: Where | None) -> Policy:
    """The policy of the project of these results, as `tbp report` takes it."""
    project = own_config(config, where)
    return read_policy(project.policy_file) if project is not None else Policy()


def _nowhere(cells: Mapping[Setup, tuple[set[object], set[object]]], request: CompareRequest) -> str:
    sides = [
        f"{revision} in {_names(setup for setup in cells if cells[setup][side]) or 'none'}"
        for side, revision in enumerate((request.baseline, request.contender))
    ]
    return (
        f"no machine and environment has results of both: {' and '.join(sides)}; run `asv run` for the missing one, "
        f"or measure both with `tbp gate --tip {request.baseline} {request.contender}`"
    )


def _names(setups: Iterable[Setup]) -> str:
    return "; ".join(map(str, sorted(setups)))


def _of_lines(commits: Commits, hashes: Sequence[str], request: CompareRequest) -> tuple[str, ...]:
    old, new = (commits.line(name) for name in hashes)
    if old == new:
        return ()
    return (f"{request.baseline} is of {old} and {request.contender} of {new}: runs of other lines are left out",)


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


def _ask(judged: Iterable[Judgement], request: CompareRequest) -> tuple[str, ...]:
    if all(judgement.state is not State.UNDECIDED for judgement in judged):
        return ()
    return (f"what is undecided can be measured: run `tbp gate --tip {request.baseline} {request.contender}`",)


def _undirected(judged: Iterable[Judgement]) -> tuple[str, ...]:
    changed = [judgement.benchmark for judgement in judged if judgement.state is State.CHANGED]
    return (undirected(changed),) if changed else ()


def _problems(results: Results) -> tuple[str, ...]:
    more = len(results.problems) - MOST_PROBLEMS
    return (
        *results.problems[:MOST_PROBLEMS],
        *([f"{more} more files or values could not be used"] if more > 0 else []),
    )
