"""What was read of a results folder, kept so that the next reading pays for new files only (see ``tbp.cache``).

One file per results folder. Which of its entries still hold is told by the identity of the result files: reading a
large project's to compare their content would take half as long as parsing them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from tbp.asv.result_arrays import ResultFile
from tbp.asv.result_files import Grid, Grids
from tbp.report.site.unchanged import Identity
from tbp.system import cache, packed_cache

# What the entries mean. Changes with everything that ``tbp.asv.result_files`` makes of the same file.
# 1: the first. 2: when each benchmark was measured, and all that machine.json says.
PARSER = 2
_KIND, _VERSION = b"results", b"%d\n" % PARSER


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One file as it was read."""

    identity: Identity
    file: ResultFile


class Cached(msgspec.Struct, frozen=True, array_like=True):
    """Of every result file, by its path relative to the results folder, what was read."""

    folder: bytes
    grids: list[Grid] = []
    entries: dict[bytes, Entry] = {}


_DECODER = msgspec.msgpack.Decoder(Cached)


def cache_file(results_dir: Path) -> Path | None:
    """Where the cache of a results folder is; None where there is to be none."""
    place = cache.folder()
    return place / f"results-{cache.name_of(results_dir)}" if place is not None else None


def load(path: Path, results_dir: Path) -> Cached:
    """What is kept of ``results_dir``; empty where there is nothing that can be used."""
    empty = Cached(_folder(results_dir))
    cached = packed_cache.decoded(cache.load(path, _KIND, _VERSION), _DECODER)
    if cached is None:
        return empty
    sizes = np.array([grid.size for grid in cached.grids], np.int64)
    is_whole = all(_is_whole(entry.file, sizes) for entry in cached.entries.values())
    return cached if is_whole and cached.folder == empty.folder else empty


def save(path: Path, results_dir: Path, grids: Grids, entries: Mapping[bytes, Entry]) -> None:
    """Keep ``entries``. Where that cannot be done (a full disk, no right to write), it is not."""
    payload = msgspec.msgpack.encode(Cached(_folder(results_dir), *_with_used_grids(grids, entries)))
    cache.save(path, _KIND, _VERSION, payload)


def _folder(results_dir: Path) -> bytes:
    return os.fsencode(results_dir.resolve())


def _is_whole(file: ResultFile, sizes: npt.NDArray[np.int64]) -> bool:
    """Whether the arrays fit each other and the grids, so that nothing that is computed from them can fail."""
    if len(file.grid) % 4 or not 2 * len(file.grid) == 2 * len(file.count) == len(file.start) or len(file.cell) % 32:
        return False
    places, counts = file.grids, file.counts
    if ((places < 0) | (places >= len(sizes)) | (counts < 0)).any():
        return False
    return bool((counts <= sizes[places]).all()) and int(counts.sum()) * 32 == len(file.cell)


def _with_used_grids(grids: Grids, entries: Mapping[bytes, Entry]) -> tuple[list[Grid], dict[bytes, Entry]]:
    """Without the grids of files that are gone, which would pile up."""
    is_used = np.zeros(len(grids.all), bool)
    for entry in entries.values():
        is_used[entry.file.grids] = True
    if is_used.all():
        return grids.all, dict(entries)
    new_place = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
    moved = {name: _moved(entry, new_place[entry.file.grids].tobytes()) for name, entry in entries.items()}
    return [grid for grid, used in zip(grids.all, is_used, strict=True) if used], moved


def _moved(entry: Entry, places: bytes) -> Entry:
    return Entry(entry.identity, msgspec.structs.replace(entry.file, grid=places))
