"""A results folder → what every usable file in it says, from the cache, or read by several processes.

Takes the folder as ``asv run`` writes it (``<machine>/<commit>-<environment>.json``). Gives the files in order of their
paths, and what is to be said of those that could not be used; what they mean together is left to ``tbp.asv.results``.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from tbp.asv.result_cache import WORTH_BYTES, Cached, Entry, Identity, cache_file, load, save
from tbp.asv.result_content import UnusableFile
from tbp.asv.result_files import Grid, Grids, Read, Reader, ResultFile, renumbered, result_files
from tbp.scale.workers import Workers, batched

NOT_RESULTS = {"machine.json", "benchmarks.json"}
BATCH_BYTES = 50_000_000  # of JSON: some 200 MB while they are being read
FILE_S, BYTE_S = 30e-6, 10e-9  # about what reading a file takes on a slow core, and each of its bytes


class Files(NamedTuple):
    """What a results folder holds."""

    files: list[ResultFile]  # those that can be used, in order of their paths
    grids: list[Grid]  # in which the files' own numbers are places
    problems: list[str]  # which file, or what in one, could not be used, and what to do
    left_out: int  # files that could not be used


class _Found(NamedTuple):
    """A file that should be a result."""

    folder: str  # of its machine, below the results folder
    name: str
    path: str
    identity: Identity
    key: bytes  # in the cache


class _Part(NamedTuple):
    """What a batch of files says; of one that cannot be used why."""

    grids: list[Grid]
    files: list[ResultFile]
    is_usable: list[bool]  # of each file of the batch
    problems: list[str]


class Reading:
    """A results folder that is being read: other processes begin when this is made, and this one may do something
    else before it asks for the files.
    """

    def __init__(self, results_dir: Path, workers: Workers | None = None, cache: bool = True) -> None:
        self.results_dir = results_dir
        self._seen_ns = time.time_ns()
        self._found = _found(results_dir)
        is_worth = sum(own.identity.size for own in self._found) >= WORTH_BYTES
        self._kept_in = cache_file(results_dir) if cache and is_worth else None
        self._cached = load(self._kept_in, results_dir) if self._kept_in is not None else Cached(b"")
        new = [own for own in self._found if not _is_known(self._cached, own)]
        sizes = [own.identity.size for own in new]
        workers = workers or Workers(1)
        self._batches = batched(new, sizes, workers.share(sum(sizes), BATCH_BYTES))
        self._parts = workers.map(_read, self._batches, len(new) * FILE_S + sum(sizes) * BYTE_S)

    def files(self) -> Files:
        """To be asked once."""
        grids = Grids(self._cached.grids)
        entries = {own.key: self._cached.entries[own.key] for own in self._found if _is_known(self._cached, own)}
        problems = []
        left_out = 0
        for batch, part in zip(self._batches, self._parts, strict=True):
            usable = (own for own, is_usable in zip(batch, part.is_usable, strict=True) if is_usable)
            files = renumbered(part.files, [grids.add(grid) for grid in part.grids])
            entries |= {own.key: Entry(own.identity, file) for own, file in zip(usable, files, strict=True)}
            problems += part.problems
            left_out += len(batch) - len(files)
        used = [(own.path, entries[own.key]) for own in self._found if own.key in entries]
        problems += [f"{path}: {problem}" for path, entry in used for problem in entry.file.problems]
        settled = {name: entry for name, entry in entries.items() if entry.identity.is_settled(self._seen_ns)}
        if self._kept_in is not None and settled != self._cached.entries:
            save(self._kept_in, self.results_dir, grids, settled)
        return Files([entry.file for _, entry in used], grids.all, problems, left_out)


def _is_known(cached: Cached, own: _Found) -> bool:
    entry = cached.entries.get(own.key)
    return entry is not None and entry.identity == own.identity


def _read(batch: Sequence[_Found]) -> _Part:
    reader = Reader()
    read: list[Read | None] = []
    problems = []
    for own in batch:
        try:
            read.append(reader.read(own.name, own.folder, _content(own.path, own.identity.size)))
        except UnusableFile as error:
            read.append(None)
            problems.append(f"{own.path} was left out: it {error}; delete it and run `asv run` again for its commit")
    files = result_files([one for one in read if one is not None])
    return _Part(reader.grids.all, files, [one is not None for one in read], problems)


def _found(results_dir: Path) -> list[_Found]:
    """The files that should be results, sorted. One that vanishes meanwhile was replaced by asv: it is not there."""
    found = []
    for folder in _entries(str(results_dir)):
        for file in _entries(folder.path) if folder.is_dir() else ():
            if file.name.endswith(".json") and file.name not in NOT_RESULTS:
                with contextlib.suppress(OSError):
                    stat = file.stat()
                    if S_ISREG(stat.st_mode):
                        found.append(
                            _Found(folder.name, file.name, file.path, Identity.of(stat), _key(folder.name, file.name))
                        )
    return found


def _key(folder: str, name: str) -> bytes:
    return os.fsencode(f"{folder}{os.sep}{name}")


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=attrgetter("name"))
    except OSError:
        return []


def _content(path: str, size: int) -> bytes:
    """What is in a file of about ``size``. For thousands of small ones file objects take as long as reading."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            parts = [os.read(file, size + 1)]
            while len(parts[-1]) > 0 and sum(map(len, parts)) != size:  # it has grown meanwhile, or came in pieces
                parts.append(os.read(file, size + 1))
        finally:
            os.close(file)
    except OSError as error:
        raise UnusableFile(f"cannot be opened ({error.strerror})") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)
