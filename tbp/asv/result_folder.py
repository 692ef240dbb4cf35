"""A results folder → what every usable file in it says, from the cache, or read by several processes.

Takes the folder as ``asv run`` writes it (``<machine>/<commit>-<environment>.json``). Gives the files in order of their
paths, and what is to be said of those that could not be used; what they mean together is left to ``tbp.asv.results``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbp.report.site.unchanged import Identity, Seen, is_settled, look
from tbp.system.worker_pool import Workers

if TYPE_CHECKING:
    from tbp.asv.result_arrays import Files, ResultFile
    from tbp.asv.result_files import Grid, Grids, Part, Read

NOT_RESULTS = {"machine.json", "benchmarks.json"}
BATCH_BYTES = 50_000_000  # of JSON: some 200 MB while they are being read
FILE_S, BYTE_S = 30e-6, 10e-9  # about what reading a file takes on a slow core, and each of its bytes
# Smaller folders are read in under 0.2 s anyway, and would only leave litter.
WORTH_BYTES = 8_000_000


class WhatIsThere(NamedTuple):
    """What a results folder holds."""

    files: Files  # those that can be used, in order of their paths
    grids: list[Grid]  # in which the files' own numbers are places
    problems: list[str]  # which file, or what in one, could not be used, and what to do
    left_out: int  # files that could not be used


class _Found(NamedTuple):
    """A file that should be a result."""

    folder: str  # of its machine, below the results folder
    name: str
    path: str
    identity: Identity

    @property
    def size(self) -> int:
        """In bytes."""
        return self.identity[0]

    @property
    def key(self) -> bytes:
        """In the cache."""
        return os.fsencode(f"{self.folder}{os.sep}{self.name}")


class _Batch(NamedTuple):
    """What a batch of files says; of one that cannot be used why."""

    grids: list[Grid]
    part: Part
    is_usable: list[bool]  # of each file of the batch
    problems: list[str]


class Reading:
    """A results folder that is being read: other processes begin when this is made, and this one may do something
    else before it asks for the files.
    """

    def __init__(
        self, results_dir: Path, workers: Workers | None = None, cache: bool = True, seen: Seen | None = None
    ) -> None:
        """``seen`` is what is in the folder and all below it, where somebody has looked."""
        self.seen = seen
        seen = seen or look(results_dir, depth=1)
        self.results_dir = results_dir
        self._seen_ns = seen.at_ns
        self._found = _found(results_dir, seen)
        is_worth = sum(own.size for own in self._found) >= WORTH_BYTES
        self._kept = _Kept(results_dir) if cache and is_worth else None
        self._known = self._kept.of(self._found) if self._kept is not None else {}
        new = [own for own in self._found if own not in self._known]
        sizes = [own.size for own in new]
        workers = workers or Workers(1)
        self._batches = workers.batched(new, sizes, BATCH_BYTES)
        self._read = workers.map(_read, self._batches, len(new) * FILE_S + sum(sizes) * BYTE_S)

    @cached_property
    def files(self) -> WhatIsThere:
        """What all files say, when all of them are read."""
        from tbp.asv.result_arrays import files_kept, files_read
        from tbp.asv.result_files import Grids

        kept = self._kept
        read = list(self._read)
        grids = Grids(kept.cached.grids if kept is not None else ())
        new = files_read([one.part for one in read], [[grids.add(grid) for grid in one.grids] for one in read])
        flags = zip(chain.from_iterable(self._batches), chain.from_iterable(one.is_usable for one in read), strict=True)
        paths = [own for own, is_usable in flags if is_usable]
        left_out = sum(map(len, self._batches)) - len(paths)
        if kept is not None:
            usable = dict(zip(paths, new.apart(), strict=True)) | self._known
            paths = [own for own in self._found if own in usable]
            kept.keep(grids, [(own, usable[own]) for own in paths if is_settled(own.identity, self._seen_ns)])
            new = files_kept([usable[own] for own in paths])
        problems = [problem for one in read for problem in one.problems]
        said = zip(paths, new.problems, strict=True)
        problems += [f"{own.path}: {problem}" for own, of_file in said for problem in of_file]
        return WhatIsThere(new, grids.all, problems, left_out)


class _Kept:
    """What was read of a large folder before. It brings numpy, which other processes would have to import as well."""

    def __init__(self, results_dir: Path) -> None:
        from tbp.asv import result_cache

        self.results_dir = results_dir
        self._file = result_cache.cache_file(results_dir)
        self.cached = result_cache.Cached(b"")
        if self._file is not None:
            self.cached = result_cache.load(self._file, results_dir)

    def of(self, found: Sequence[_Found]) -> dict[_Found, ResultFile]:
        """Those that did not change since."""
        entries = ((own, self.cached.entries.get(own.key)) for own in found)
        return {own: entry.file for own, entry in entries if entry is not None and entry.identity == own.identity}

    def keep(self, grids: Grids, settled: list[tuple[_Found, ResultFile]]) -> None:
        from tbp.asv.result_cache import Entry, save

        entries = {own.key: Entry(own.identity, file) for own, file in settled}
        if self._file is not None and entries != self.cached.entries:
            save(self._file, self.results_dir, grids, entries)


def _read(batch: Sequence[_Found]) -> _Batch:
    # Here, so that each of several processes imports it, rather than all of them wait for the first.
    from tbp.asv.result_content import UnusableFile
    from tbp.asv.result_files import Reader, joined

    reader = Reader()
    read: list[Read | None] = []
    problems = []
    for own in batch:
        try:
            read.append(reader.read(own.name, own.folder, _content(own.path, own.size)))
        except (OSError, UnusableFile) as error:
            read.append(None)
            what = f"cannot be opened ({error.strerror})" if isinstance(error, OSError) else error
            problems.append(f"{own.path} was left out: it {what}; delete it and run `asv run` again for its commit")
    part = joined([one for one in read if one is not None])
    return _Batch(reader.grids.all, part, [one is not None for one in read], problems)


def _found(results_dir: Path, seen: Seen) -> list[_Found]:
    """The files that should be results, sorted. One that vanishes meanwhile was replaced by asv: it is not there."""
    start = len(str(results_dir)) + 1
    found = []
    for path, identity in seen.files:
        folder, _, name = path[start:].partition(os.sep)
        if identity is not None and name.endswith(".json") and os.sep not in name and name not in NOT_RESULTS:
            found.append(_Found(folder, name, path, identity))
    return found


def _content(path: str, size: int) -> bytes:
    """What is in a file of about ``size``. For thousands of small ones file objects take as long as reading."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = [os.read(file, size + 1)]
        while len(parts[-1]) > 0 and sum(map(len, parts)) != size:  # it has grown meanwhile, or came in pieces
            parts.append(os.read(file, size + 1))
    finally:
        os.close(file)
    return parts[0] if len(parts) == 1 else b"".join(parts)
