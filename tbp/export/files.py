"""Copies of traces: where each goes, and writing it.

Takes sources and a folder or file, writes complete files or none. The layout for TensorBoard is a folder for each run
(a commit's benchmark cell, or a trace of its own), in it ``<worker>.<ns>.pt.trace.json``, one for each process.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from msgspec import Struct

from tbp.asv.stored_traces import TraceSource
from tbp.errors import UsageError
from tbp.export.document import TraceCopy, read_copy, write_copy
from tbp.export.tensorboard import for_tensorboard, start_ns
from tbp.system.whole_files import whole_file
from tbp.traces.reading.read import read_trace
from tbp.traces.recording import OPERATORS_END, TRACE_END

GZIP_LEVEL = 3  # torch's own .json.gz uses 9: about 15 × slower for 15 % fewer bytes
_ENDS = (TRACE_END, ".pt.trace.json.zst", ".pt.trace.json", ".json.zst", ".json.gz", ".json")
_TIMESTAMP = re.compile(r"\.\d{10,}$")


class Exported(Struct, frozen=True):
    """The files that were written, and sentences on what their traces had lost."""

    paths: tuple[Path, ...]
    losses: tuple[str, ...]


class _Copy(Struct, frozen=True):
    """One trace and the names it gets."""

    path: Path
    run: str
    worker: str
    losses: tuple[str, ...]


def export_tensorboard(sources: Iterable[TraceSource], folder: Path) -> Exported:
    """Write the traces of ``sources`` for torch-tb-profiler.

    Raises:
        UnreadableTrace: a trace cannot be read.
        UsageError: a trace was pruned, or a file cannot be written.
    """
    written: list[Path] = []
    losses: list[str] = []
    for copy in _copies(sources):
        document = read_copy(copy.path)
        at_ns = start_ns(document)
        while (path := folder / copy.run / f"{copy.worker}.{at_ns}.pt.trace.json") in written:
            at_ns += 1  # another trace of the same instant
        _write(path, copy.path, partial(_write_texts, for_tensorboard(document)))
        written.append(path)
        losses += copy.losses
    return Exported(tuple(written), tuple(losses))


def export_plain(sources: Iterable[TraceSource], target: Path) -> Exported:
    """Write repaired copies that any viewer of Chrome traces opens: one file, or a folder of them.

    Raises:
        as ``export_tensorboard``; UsageError too when several traces are to go into one file.
    """
    copies = list(_copies(sources))
    is_file = target.name.endswith((".json", ".json.gz"))
    if is_file and len(copies) > 1:
        raise UsageError(f"{len(copies)} traces do not fit into one file {target}: name a folder")
    paths = [target] if is_file else list(_plain_paths(copies, target))
    for copy, path in zip(copies, paths, strict=True):
        _write(path, copy.path, partial(write_copy, copy.path))
    return Exported(tuple(paths), tuple(loss for copy in copies for loss in copy.losses))


def _copies(sources: Iterable[TraceSource]) -> Iterator[_Copy]:
    """Every trace of ``sources``; reading it with the tolerant reader first refuses what is hostile."""
    for source in sources:
        paths = [recording.path for recording in source.recordings] or source.paths
        for path in paths:
            if path.name.endswith(OPERATORS_END):
                raise UsageError(
                    f"the raw trace of {source.name} was pruned, {path.name} has only its operators: "
                    "`tbp hotspots` shows them"
                )
        recorded = [recording.about.losses for recording in source.recordings]
        for path, losses in zip(paths, recorded or (read_trace(path).losses for path in paths), strict=True):
            run, worker = _names(source, path)
            yield _Copy(path, run, worker, tuple(f"{path.name}: {loss}" for loss in losses))


def _names(source: TraceSource, path: Path) -> tuple[str, str]:
    """Run and worker: traces of one cell are one run's, and so are those of one folder."""
    stem = _safe(_TIMESTAMP.sub("", _stem(path)))
    if source.key is not None:
        cell = _stem(path).rpartition(".")[0] if source.key.machine else ""
        commit = source.name if source.key.machine else Path(source.name).parent.name
        run = "-".join(filter(None, (commit, source.key.benchmark, cell or _label(source))))
        return _safe(run), _safe(source.key.machine) if source.key.machine else stem
    return (_safe(path.parent.resolve().name), stem) if len(source.paths) > 1 else (stem, "worker0")


def _label(source: TraceSource) -> str:
    return "-".join(value for _, value in source.key.parameters) if source.key else ""


def _plain_paths(copies: Iterable[_Copy], folder: Path) -> Iterator[Path]:
    taken: dict[str, int] = {}
    for copy in copies:
        name = _safe(_stem(copy.path))
        taken[name] = taken.get(name, 0) + 1
        yield folder / f"{name}{f'-{taken[name]}' if taken[name] > 1 else ''}.json.gz"


def _write_texts(document: TraceCopy, write: Callable[[bytes], object]) -> None:
    for text in document.text():
        write(text)


def _write(path: Path, source: Path, content: Callable[[Callable[[bytes], object]], None]) -> None:
    """Write ``content``, which is given a function that writes, to ``path``, packed if its name says so."""
    try:
        if path.exists() and path.samefile(source):
            raise UsageError(f"{path} is the trace itself: name another file")
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            if path.name.endswith(".gz"):
                with gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as packed:
                    content(packed.write)
            else:
                content(file.write)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; name another place") from None


def _stem(path: Path) -> str:
    return next((path.name.removesuffix(end) for end in _ENDS if path.name.endswith(end)), path.name)


def _safe(text: str) -> str:
    """A file name that says the same."""
    return re.sub(r"[^\w.=+-]", "_", text)[:150].lstrip(".") or "_"
