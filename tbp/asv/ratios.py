"""Ratios of commits that were measured in turns, kept beside asv's results.

Takes a results folder, gives the ratios of each series; adds the ratios of a night. There is one file for each judged
commit, ``<machine>/<commit>-<environment>.paired``, a name that asv ignores. It has the effects of single pairs;
statistics are derived on reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from tbp.asv.records import RecordKind, UnusableRecord
from tbp.model.series import SeriesKey, short_hash
from tbp.system.whole_files import write_whole

END = ".paired"
# History of the file. A field more is no new format: readers pass over what they do not know.
#   1  first
FORMAT = 1
MOST_BYTES = 16_000_000  # of one file; a night's pairs of 10,000 benchmarks have 2 MB
# asv's limit: longer names of environments are stored as their digest.
MOST_ENVIRONMENT = 128

Effect = Annotated[float, Meta(gt=-20.0, lt=20.0)]  # a logarithm: e²⁰ is no ratio of two commits


class Ratio(Struct, frozen=True):
    """The effects of pairs of processes of two commits, measured for one purpose."""

    base: str  # full hash
    head: str  # full hash
    effects: tuple[Effect, ...]  # of each pair: natural logarithm of head ÷ base
    is_fresh: bool = False  # measured because a change was suspected, not because the commit was new


class _Cell(Struct, frozen=True):
    benchmark: str
    parameters: tuple[tuple[str, str], ...]
    ratios: tuple[Ratio, ...]


class _RatiosFile(Struct, frozen=True):
    format: int
    machine: str
    environment: str
    cells: tuple[_Cell, ...]


_KIND = RecordKind(_RatiosFile, FORMAT, "ratios", MOST_BYTES)


class Ratios(Struct, frozen=True):
    """All ratios of a results folder."""

    of: Mapping[SeriesKey, tuple[Ratio, ...]]
    problems: tuple[str, ...] = ()  # which file could not be read, and what to do


def read_ratios(results_dir: Path) -> Ratios:
    """Every ratio that can be read; the problems name each file that cannot."""
    return ratios_in((path, partial(_KIND.read, path)) for path in sorted(results_dir.glob(f"*/*{END}")))


def decoded_ratios(data: bytes) -> Callable[[], _RatiosFile]:
    """The reader of the content of a file, for ``ratios_in``."""
    return partial(_KIND.decoded, data)


def ratios_in(files: Iterable[tuple[Path, Callable[[], _RatiosFile]]]) -> Ratios:
    """The ratios in ``files``: the path of each, and its reader."""
    ratios: dict[SeriesKey, tuple[Ratio, ...]] = {}
    problems = []
    for path, read in files:
        try:
            stored = read()
        except UnusableRecord as error:
            problems.append(f"{path} was left out: {error}; delete it, and the next night measures in turns again")
            continue
        for cell in stored.cells:
            key = SeriesKey(cell.benchmark, cell.parameters, stored.machine, stored.environment)
            ratios[key] = (*ratios.get(key, ()), *cell.ratios)
    return Ratios(ratios, tuple(problems))


def add_ratios(results_dir: Path, measured: Iterable[tuple[SeriesKey, Ratio]]) -> None:
    """Store the ratios of a night. Raises OSError and leaves the file in question as it was."""
    files: dict[Path, dict[SeriesKey, tuple[Ratio, ...]]] = {}
    for key, ratio in measured:
        path = results_dir / key.machine / f"{short_hash(ratio.head)}-{_stem(key.environment)}{END}"
        cells = files.setdefault(path, _known(path))
        cells[key] = (*cells.get(key, ()), ratio)
    for path, cells in files.items():
        (machine, environment) = next((key.machine, key.environment) for key in cells)
        listed = tuple(_Cell(key.benchmark, key.parameters, ratios) for key, ratios in sorted(cells.items()))
        write_whole(path, msgspec.json.encode(_RatiosFile(FORMAT, machine, environment, listed)))


def merged_ratios(ours: bytes, theirs: bytes) -> bytes:
    """One file of two runners' ratios of one commit, with each ratio once.

    It is the file that has all of the other, ``theirs`` first, or else a new one. Where one of the two holds no ratios,
    it is the other.
    """
    left, right = _KIND.known(ours), _KIND.known(theirs)
    if left is None or right is None:
        return ours if right is None else theirs
    sides = [
        {(cell.benchmark, cell.parameters): dict.fromkeys(cell.ratios) for cell in file.cells} for file in (left, right)
    ]
    both = {key: sides[0].get(key, {}) | sides[1].get(key, {}) for key in sides[0] | sides[1]}
    for content, side in ((theirs, sides[1]), (ours, sides[0])):
        if {key: set(ratios) for key, ratios in side.items()} == {key: set(ratios) for key, ratios in both.items()}:
            return content
    cells = tuple(_Cell(*key, tuple(ratios)) for key, ratios in both.items())
    return msgspec.json.encode(msgspec.structs.replace(left, cells=cells))


def _known(path: Path) -> dict[SeriesKey, tuple[Ratio, ...]]:
    """The ratios that are in the file already; empty where it is missing or damaged."""
    try:
        stored = _KIND.read(path)
    except UnusableRecord:
        return {}
    return {
        SeriesKey(cell.benchmark, cell.parameters, stored.machine, stored.environment): cell.ratios
        for cell in stored.cells
    }


def _stem(environment: str) -> str:
    if len(environment) >= MOST_ENVIRONMENT:
        return "env-" + hashlib.md5(environment.encode()).hexdigest()
    return environment
