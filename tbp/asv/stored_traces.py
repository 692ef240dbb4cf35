"""What the command line calls TRACE or COMMIT → recordings, the ones of one benchmark cell together.

A trace is a file of any recorder, a folder, or a pattern; everything else is a commit whose traces lie beside asv's
results. Cells are chosen before any stored trace is read. Ranking, comparing and exporting is left to others.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tbp.asv.session_files import SESSION_END, read_sessions
from tbp.asv.sessions import Sessions
from tbp.errors import NothingMeasured, UnreadableTrace, UsageError
from tbp.model.series import SeriesKey
from tbp.project.asv_config import configuration, results_folder
from tbp.project.revisions import bench_filter, stored_commit
from tbp.traces.read_recording import read_recording
from tbp.traces.recording import Recording

ENDS = (".json", ".json.gz", ".json.zst")
MOST_LISTED = 20  # cells named where one has to be chosen: a screen
MOST_NOTES = 3  # unreadable files named


@dataclass(frozen=True)
class StoredTraces:
    """What the command line says besides the traces; empty: not said."""

    config: Path | None = None
    results: Path | None = None
    machine: str = ""
    environment: str = ""
    bench: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """The traces of one cell, not yet read."""

    name: str  # what the user wrote, or the commit
    paths: tuple[Path, ...]
    key: SeriesKey | None = None  # None: of a trace that belongs to no stored benchmark
    recordings: tuple[Recording, ...] = ()  # read already, where that was needed to tell the cell
    notes: tuple[str, ...] = ()

    @property
    def cell(self) -> str:
        """``attention.Quick.torchtime_step (variant=sdpa)``; empty where the cell is not known."""
        return self.key.name if self.key is not None else ""


def chosen(argument: str, wanted: StoredTraces) -> tuple[Source, ...]:
    """The cells to show of one argument: the only one there is, or those that ``--bench`` finds.

    Raises:
        UsageError: it names nothing, or several cells and no ``--bench`` chooses.
        NothingMeasured: no trace is stored.
        UnreadableTrace: no file can be read.
    """
    found = sources(argument, wanted)
    if len(found) > 1 and not wanted.bench:
        raise _ambiguous(argument, found)
    return tuple(map(_read, found))


def chosen_pairs(before: str, after: str, wanted: StoredTraces) -> tuple[tuple[Source, Source], ...]:
    """The cells to compare: of two commits those that both have, otherwise the two that are named.

    Raises:
        as ``chosen``.
    """
    old, new = sources(before, wanted), sources(after, wanted)
    if len(old) == len(new) == 1:
        pairs = [(old[0], new[0])]
    elif any(source.key is None for source in (*old, *new)):
        # A trace of its own has no cell to be matched with.
        raise _ambiguous(before, old) if len(old) > 1 else _ambiguous(after, new)
    else:
        others = {_place(source): source for source in new}
        pairs = [(source, others[_place(source)]) for source in old if _place(source) in others]
    if not pairs:
        raise UsageError(f"{before} and {after} have traces of no cell in common; see each with `tbp hotspots` first")
    if len(pairs) > 1 and not wanted.bench:
        raise _ambiguous(f"{before} and {after}", [source for source, _ in pairs])
    return tuple((_read(one), _read(other)) for one, other in pairs)


def sources(argument: str, wanted: StoredTraces) -> tuple[Source, ...]:
    """Every cell that one argument and the options name, sorted."""
    files = trace_files(argument)
    if files:
        return _of_files(argument, files, wanted)
    try:
        return _of_commit(argument, wanted)
    except (UsageError, NothingMeasured):
        if Path(argument).is_dir():
            raise UsageError(
                f"{argument} is a folder without a trace right in it; name one that has, or a trace file"
            ) from None
        if argument.endswith(ENDS) or glob.has_magic(argument):
            raise UsageError(f"there is no file {argument}; check the path") from None
        raise


def trace_files(argument: str) -> tuple[Path, ...]:
    """The traces that ``argument`` names as a file, a folder or a pattern; none where it names no file."""
    path = Path(argument)
    if path.is_dir():
        return tuple(sorted(own for own in path.iterdir() if _is_trace(own)))
    if path.exists():
        return (path,)
    found = glob.glob(argument)  # noqa: PTH207 - Path.glob refuses absolute patterns
    return tuple(sorted(own for own in map(Path, found) if _is_trace(own)))


def _is_trace(path: Path) -> bool:
    return path.name.endswith(ENDS) and not path.name.endswith(SESSION_END) and path.is_file()


def _of_files(argument: str, files: Sequence[Path], wanted: StoredTraces) -> tuple[Source, ...]:
    """Files by the cell that they say they are of; those that say none are one source."""
    recordings, notes = _recordings(files)
    is_wanted = bench_filter(wanted.bench)
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[Recording]] = {}
    for one in recordings:
        if not one.about.benchmark or is_wanted(one.about.benchmark, one.about.parameters):
            groups.setdefault((one.about.benchmark, one.about.parameters), []).append(one)
    if not groups:
        raise UsageError(
            f"--bench {' '.join(wanted.bench)} finds none of the traces in {argument}; write a shorter one"
        )
    return tuple(
        Source(
            name=argument,
            paths=tuple(one.path for one in own),
            key=SeriesKey(benchmark, parameters, "", "") if benchmark else None,
            recordings=tuple(own),
            notes=notes,
        )
        for (benchmark, parameters), own in sorted(groups.items())
    )


def _of_commit(revision: str, wanted: StoredTraces) -> tuple[Source, ...]:
    """The cells with a trace that are stored of one commit."""
    folder, repository = stored_in(wanted)
    sessions = read_sessions(folder)
    commit = _commit(revision, sessions, folder, repository)
    is_wanted = bench_filter(wanted.bench)
    keys = sorted({session.key for session in sessions.sessions if session.commit == commit and session.trace})
    traced = {key: paths for key in keys if (paths := sessions.traces(key, commit))}
    asked = {
        key: paths
        for key, paths in traced.items()
        if wanted.machine in ("", key.machine)
        and wanted.environment in ("", key.environment)
        and is_wanted(key.benchmark, key.parameters)
    }
    if not asked:
        cells = _listed([Source(commit[:8], paths, key) for key, paths in traced.items()])
        raise UsageError(f"--bench, --machine and --environment leave no trace of {commit[:8]}; it has\n{cells}")
    return tuple(Source(commit[:8], paths, key) for key, paths in asked.items())


def stored_in(wanted: StoredTraces) -> tuple[Path, Path | None]:
    """The folder of asv's results, and the repository to ask what a revision means."""
    config = configuration(wanted.config, wanted.results)
    return results_folder(config, wanted.results), config.repository if config is not None else Path()


def _commit(revision: str, sessions: Sessions, folder: Path, repository: Path | None) -> str:
    newest = {one.commit: one.started for one in sorted(sessions.sessions, key=lambda one: one.started) if one.trace}
    if not newest:
        raise NothingMeasured(f"there is no trace under {folder}; run `asv run`, or name a trace file")
    return stored_commit(sorted(newest, key=lambda own: newest[own], reverse=True), repository, revision, "trace")


def _read(source: Source) -> Source:
    if source.recordings:
        return source
    recordings, notes = _recordings(source.paths)
    return Source(source.name, source.paths, source.key, recordings, notes)


def _recordings(paths: Iterable[Path]) -> tuple[tuple[Recording, ...], tuple[str, ...]]:
    """What can be read of ``paths``, and a sentence on each that cannot. Raises UnreadableTrace if none can."""
    recordings: list[Recording] = []
    errors: list[UnreadableTrace] = []
    for path in paths:
        try:
            recordings.append(read_recording(path))
        except UnreadableTrace as error:
            errors.append(error)
    if not recordings and errors:
        raise errors[0]
    more = [f"{len(errors) - MOST_NOTES} more files could not be read"] if len(errors) > MOST_NOTES else []
    return tuple(recordings), (*(f"left out: {error}" for error in errors[:MOST_NOTES]), *more)


def _ambiguous(argument: str, found: Sequence[Source]) -> UsageError:
    return UsageError(
        f"{argument} has traces of {len(found)} cells; choose with --bench REGEX, --machine and --environment "
        f"(--bench . shows all):\n{_listed(found)}"
    )


def _listed(found: Sequence[Source]) -> str:
    """A line for each, with its machine and environment where those differ."""
    setups = {source.key.setup for source in found if source.key}
    lines = []
    for source in found[:MOST_LISTED]:
        setup = f"  on {source.key.setup}" if source.key and len(setups) > 1 else ""
        lines.append(f"  {source.cell or 'traces that name no benchmark'}{setup}")
    if len(found) > MOST_LISTED:
        lines.append(f"  … and {len(found) - MOST_LISTED} more")
    return "\n".join(lines)


def _place(source: Source) -> tuple[object, ...]:
    key = source.key
    return (key.benchmark, frozenset(key.parameters), key.machine, key.environment) if key else ()
