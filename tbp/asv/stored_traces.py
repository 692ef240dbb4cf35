"""The command line's TRACE or COMMIT → recordings, those of one benchmark cell together.

A trace is a file of any recorder, a folder, or a pattern; any other argument is a commit whose traces lie beside asv's
results. Cells are chosen before a stored trace is read. Ranking, comparing and exporting is left to the callers.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from tbp.asv.fleet import Fleet, fleet_of, sessions_of
from tbp.asv.results import nothing_of
from tbp.asv.session_files import SESSION_END
from tbp.asv.sessions import Sessions
from tbp.asv.sources import ResultsSource, Where, source_of
from tbp.errors import NothingMeasured, UnreadableTrace, UsageError
from tbp.model.series import SeriesKey, short_hash
from tbp.model.twins import is_twin
from tbp.project.asv_config import configuration, default_path
from tbp.project.bench_filter import bench_filter
from tbp.project.machine_rules import MachineRule
from tbp.project.near_names import near_phrase
from tbp.project.policy import Policy, read_policy
from tbp.project.revisions import stored_commit
from tbp.traces.calls.names import NameRule
from tbp.traces.devices.ranks import Rank
from tbp.traces.operators.operators import TraceSession
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import Recording
from tbp.traces.several_recordings import several_recordings

ENDS = (".json", ".json.gz", ".json.zst")
RANK_FOLDERS = "[Rr]ank*/*"  # of a launcher that gives each rank a folder
MOST_LISTED = 20  # cells named where the user has to choose: a screen
MOST_NOTES = 3  # unreadable files that are named


class StoredTraces(Struct, frozen=True):
    """The folder of results and the filters of its traces; empty: the default, no filter."""

    config: Path | None = None
    results: Where | None = None
    machine: str = ""
    environment: str = ""
    bench: tuple[str, ...] = ()


class TraceSource(Struct, frozen=True):
    """The traces of one cell, not yet read."""

    name: str  # what the user wrote, or the commit
    paths: tuple[Path, ...]
    key: SeriesKey | None = None  # None for a trace of no stored benchmark
    recordings: tuple[Recording, ...] = ()  # read already where the cell is known only from the content
    notes: tuple[str, ...] = ()

    @property
    def sessions(self) -> list[TraceSession]:
        """The sessions of what was read, one for each file."""
        return [recording.session for recording in self.recordings]

    @property
    def ranks(self) -> list[Rank]:
        """The ranks of what was read; files of operators alone have none."""
        return [recording.rank for recording in self.recordings if recording.rank is not None]

    @property
    def cell(self) -> str:
        """``attention.Quick.torchtime_step (variant=sdpa)``; empty where the cell is not known."""
        return self.key.name if self.key is not None else ""


Cells: TypeAlias = Sequence[tuple[TraceSource, ...]]
"""The recordings of each cell to show: of one side, or before and after."""


def chosen_sides(arguments: Sequence[str], wanted: StoredTraces) -> Cells:
    """The cells of one argument, or the pairs of cells of two. Raises as ``chosen``."""
    if len(arguments) == 1:
        return [(source,) for source in chosen(arguments[0], wanted)]
    before, after = arguments
    return chosen_pairs(before, after, wanted)


def chosen(argument: str, wanted: StoredTraces) -> tuple[TraceSource, ...]:
    """The cells that one argument shows: its only one, or those that ``--bench`` finds.

    Raises:
        UsageError: the argument names nothing, or several cells without ``--bench``.
        NothingMeasured: no trace is stored.
        UnreadableTrace: no file can be read.
    """
    cells = sources(argument, wanted)
    if len(cells) > 1 and not wanted.bench:
        raise _ambiguous(argument, cells)
    return tuple(_read(source, _rules(wanted)) for source in cells)


def only_cell(arguments: Sequence[str], wanted: StoredTraces) -> TraceSource:
    """The only cell of one argument, or of several files together. Raises as ``chosen``, and where there are more."""
    if len(arguments) == 1:
        cells = sources(arguments[0], wanted)
    else:
        files = [path for argument in arguments for path in trace_files(argument) or (Path(argument),)]
        cells = _of_files(f"{len(files)} traces", files, wanted)
    if len(cells) != 1:
        raise _ambiguous(" ".join(arguments[:1]), cells)
    return _read(cells[0], _rules(wanted))


def chosen_pairs(before: str, after: str, wanted: StoredTraces) -> tuple[tuple[TraceSource, TraceSource], ...]:
    """The cells to compare: those that two commits have in common, or the only cell of each side.

    Raises:
        as ``chosen``.
    """
    old, new = sources(before, wanted), sources(after, wanted)
    if len(old) == len(new) == 1:
        pairs = [(old[0], new[0])]
    elif any(source.key is None for source in (*old, *new)):
        # A trace of no stored benchmark has no cell to match.
        raise _ambiguous(before, old) if len(old) > 1 else _ambiguous(after, new)
    else:
        by_cell = {_cell(source): source for source in new}
        pairs = [(source, by_cell[_cell(source)]) for source in old if _cell(source) in by_cell]
    if not pairs:
        raise UsageError(f"{before} and {after} have traces of no cell in common; see each with `tbp hotspots` first")
    if len(pairs) > 1 and not wanted.bench:
        raise _ambiguous(f"{before} and {after}", [source for source, _ in pairs])
    rules = _rules(wanted)
    return tuple((_read(first, rules), _read(second, rules)) for first, second in pairs)


def sources(argument: str, wanted: StoredTraces) -> tuple[TraceSource, ...]:
    """Every cell that ``argument`` and the options name, sorted; without ``--bench`` no A/A twin of another one."""
    named = _named(argument, wanted)
    keys = {source.key for source in named if source.key is not None}
    return tuple(source for source in named if wanted.bench or source.key is None or not is_twin(source.key, keys))


def _named(argument: str, wanted: StoredTraces) -> tuple[TraceSource, ...]:
    files = trace_files(argument)
    if files:
        return _of_files(argument, files, wanted)
    try:
        return _of_commit(argument, wanted)
    except (UsageError, NothingMeasured):
        if Path(argument).is_dir():
            raise UsageError(
                f"{argument} is a folder without a trace directly in it; name a folder that has one, or a trace file"
            ) from None
        if argument.endswith(ENDS) or glob.has_magic(argument):
            raise UsageError(f"there is no file {argument}; check the path") from None
        raise


def trace_files(argument: str) -> tuple[Path, ...]:
    """The traces that ``argument`` names as a file, a folder or a pattern; none where it names no file."""
    path = Path(argument)
    if path.is_dir():
        files = sorted(filter(_is_trace, path.iterdir()))
        return tuple(files or sorted(filter(_is_trace, path.glob(RANK_FOLDERS))))
    if path.exists():
        return (path,)
    matches = glob.glob(argument)  # noqa: PTH207 - Path.glob refuses absolute patterns
    return tuple(sorted(filter(_is_trace, map(Path, matches))))


def _is_trace(path: Path) -> bool:
    return path.name.endswith(ENDS) and not path.name.endswith(SESSION_END) and path.is_file()


def _of_files(argument: str, files: Sequence[Path], wanted: StoredTraces) -> tuple[TraceSource, ...]:
    """Files by the cell that they name; those that name none are one source."""
    recordings, notes = _recordings(files, _rules(wanted))
    is_wanted = bench_filter(wanted.bench)
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Recording]] = {}
    for recording in recordings:
        cell = (recording.about.benchmark, recording.about.parameters)
        if not cell[0] or is_wanted(*cell):
            groups.setdefault(cell, []).append(recording)
    if not groups:
        pattern, benchmarks = " ".join(wanted.bench), {recording.about.benchmark for recording in recordings}
        raise UsageError(
            f"--bench {pattern} finds none of the traces in {argument}; {near_phrase(pattern, benchmarks)}"
        )
    return tuple(
        TraceSource(
            name=argument,
            paths=tuple(recording.path for recording in group),
            key=SeriesKey(benchmark, parameters, "", "") if benchmark else None,
            recordings=tuple(group),
            notes=notes,
        )
        for (benchmark, parameters), group in sorted(groups.items())
    )


def _of_commit(revision: str, wanted: StoredTraces) -> tuple[TraceSource, ...]:
    """The cells of one commit with a stored trace."""
    source, repository = stored_in(wanted)
    recorded = source.sessions()
    fleet = _fleet(source, recorded, _policy(wanted).machines)
    sessions, machines = sessions_of(recorded, fleet), fleet.meant(wanted.machine)
    commit = _commit(revision, sessions, source.folder, repository)
    is_wanted = bench_filter(wanted.bench)
    keys = sorted({session.key for session in sessions.sessions if session.commit == commit and session.trace})
    traced = {key: paths for key in keys if (paths := sessions.traces(key, commit))}
    chosen_paths = {
        key: paths
        for key, paths in traced.items()
        if (not wanted.machine or key.machine in machines)
        and wanted.environment in ("", key.environment)
        and is_wanted(key.benchmark, key.parameters)
    }
    if not chosen_paths:
        raise _none_left(short_hash(commit), traced, wanted, machines)
    return tuple(TraceSource(short_hash(commit), paths, key) for key, paths in chosen_paths.items())


def _none_left(
    commit: str, traced: Mapping[SeriesKey, tuple[Path, ...]], wanted: StoredTraces, machines: Set[str]
) -> UsageError:
    """The refusal where the options leave no trace of ``commit``, by the first of them that none fits by itself."""
    known, environments = {key.machine for key in traced}, {key.environment for key in traced}
    if wanted.machine and not known & machines:
        return nothing_of("--machine", wanted.machine, known, "trace")
    if wanted.environment not in ("", *environments):
        return nothing_of("--environment", wanted.environment, environments, "trace")
    cells = _listed([TraceSource(commit, paths, key) for key, paths in traced.items()])
    return UsageError(f"--bench, --machine and --environment leave no trace of {commit}; choose among: {cells}")


def stored_in(wanted: StoredTraces) -> tuple[ResultsSource, Path | None]:
    """The source of asv's results, and the repository in which git resolves revisions."""
    config = configuration(wanted.config, wanted.results)
    return source_of(config, wanted.results), config.repository if config is not None else Path()


def _commit(revision: str, sessions: Sessions, folder: Path, repository: Path | None) -> str:
    traced = [session for session in sessions.sessions if session.trace]
    newest = {session.commit: session.started for session in sorted(traced, key=lambda session: session.started)}
    if not newest:
        raise NothingMeasured(
            f"there is no trace under {folder}; name a trace file, or run `asv run` with a suite of tbp.bench, "
            "which records them (`tbp init` writes one)"
        )
    return stored_commit(sorted(newest, key=lambda commit: newest[commit], reverse=True), repository, revision, "trace")


def _rules(wanted: StoredTraces) -> tuple[NameRule, ...]:
    """The rules for names of operators of the project in this folder, or of the configuration that is named."""
    return _policy(wanted).names


def _policy(wanted: StoredTraces) -> Policy:
    config = wanted.config or default_path()
    return read_policy((config.parent if config is not None else Path()) / "pyproject.toml")


def _fleet(source: ResultsSource, sessions: Sessions, rules: Sequence[MachineRule]) -> Fleet:
    """The names of the machines, which the facts of results decide; without rules no result is read."""
    if not rules:
        return Fleet()
    try:
        return fleet_of(source.results().frame, sessions, rules)
    except NothingMeasured:  # sessions alone: nothing is known of their machines
        return Fleet()


def _read(source: TraceSource, rules: Sequence[NameRule]) -> TraceSource:
    if source.recordings:
        return source
    recordings, notes = _recordings(source.paths, rules)
    return TraceSource(source.name, source.paths, source.key, recordings, notes)


def _recordings(paths: Iterable[Path], rules: Sequence[NameRule]) -> tuple[tuple[Recording, ...], tuple[str, ...]]:
    """The readable recordings of ``paths``, and a sentence on each that cannot. Raises UnreadableTrace if none can."""
    read = several_recordings(tuple(paths), partial(read_recording, rules=tuple(rules)))
    recordings = [each for each in read if not isinstance(each, UnreadableTrace)]
    errors = [each for each in read if isinstance(each, UnreadableTrace)]
    if not recordings and errors:
        raise errors[0]
    more = [f"{len(errors) - MOST_NOTES} more files could not be read"] if len(errors) > MOST_NOTES else []
    whole = sum(not recording.session.is_bare for recording in recordings)
    part = [f"callers, shapes and flame graphs are of {whole} ranks"] if whole < len(recordings) else []
    return tuple(recordings), (*(f"left out: {error}" for error in errors[:MOST_NOTES]), *more, *part)


def _ambiguous(argument: str, cells: Sequence[TraceSource]) -> UsageError:
    return UsageError(
        f"there are traces of {len(cells)} cells at {argument}; choose with --bench REGEX, --machine and --environment "
        f"(--bench . shows all): {_listed(cells)}"
    )


def _listed(cells: Sequence[TraceSource]) -> str:
    """All of them, each with its machine and environment where those differ."""
    setups = {source.key.setup for source in cells if source.key}
    names = []
    for source in cells[:MOST_LISTED]:
        setup = f" on {source.key.setup}" if source.key and len(setups) > 1 else ""
        names.append(f"{source.cell or 'traces that name no benchmark'}{setup}")
    if len(cells) > MOST_LISTED:
        names.append(f"… and {len(cells) - MOST_LISTED} more")
    return "; ".join(names)


def _cell(source: TraceSource) -> tuple[object, ...]:
    key = source.key
    return (key.benchmark, frozenset(key.parameters), key.machine, key.environment) if key else ()
