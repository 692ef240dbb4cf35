"""asv result files → of each its run and the values of its cells, as columns.

Takes files of asv's format 2, or 1. What is made of the numbers is left to ``tbp.asv.result_arrays``, units and names
of parameters to ``tbp.asv.result_table``, because benchmarks.json declares them and may change. Nothing here needs
numpy, so that a process can begin to read before another has imported that.
"""

from __future__ import annotations

import contextlib
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple, TypeAlias

import msgspec

from tbp.asv.declarations import parameter_values
from tbp.asv.result_content import (
    Content,
    Numbers,
    UnusableFile,
    content_at_once,
    content_value_by_value,
    decoded,
    text,
    texts,
)

# More cells than any benchmark has: a grid beyond it is a damaged file, and would fill the memory.
MOST_CELLS = 1_000_000


# What asv itself says of a machine; ``os`` is with the version of the kernel. Whatever else stands in machine.json
# (gpu, driver, …) is the project's own, and of the machine as well.
ASV_FACTS = ("cpu", "num_cpu", "ram", "arch", "os")
NO_FACTS = ("machine", "version", "python")

# What a run, or machine.json, says of a machine: asv's facts in their order, then others by name. None is empty.
Facts: TypeAlias = tuple[tuple[str, str], ...]


class Run(msgspec.Struct, frozen=True, array_like=True):
    """What the head of a result file says."""

    commit: str  # full hash
    environment: str
    machine: str
    date_ms: int  # of the commit, since 1970 in UTC
    python: str
    requirements: str  # "numpy=1.26;torch=": as asv was asked for them, sorted by name
    hardware: Facts

    @property
    def hardware_label(self) -> str:
        """``cpu=…;num_cpu=…;ram=…;arch=…;os=…;gpu=…``, memory in whole GiB, without what the run does not say.

        Two kernels disagree about the last megabytes of one machine, and two versions of asv about the unit.
        """
        return _joined((name, memory(value, digits=0) if name == "ram" else value) for name, value in self.hardware)


class Grid(msgspec.Struct, frozen=True, array_like=True):
    """A benchmark of one version with the values of its parameters; its cells are their product, in order."""

    benchmark: str
    version: str  # "" in files too old to have one
    parameters: tuple[tuple[str, ...], ...]  # each parameter's values, as the report shows them

    @property
    def size(self) -> int:
        return math.prod(map(len, self.parameters))


class Grids:
    """Every grid once, however many files repeat it."""

    def __init__(self, known: Iterable[Grid] = ()) -> None:
        self.all = list(known)
        self._place = {grid: place for place, grid in enumerate(self.all)}
        self._seen: dict[tuple[str, str | None, bytes], tuple[int, int]] = {}

    def place(self, name: str, version: str | None, params: bytes) -> tuple[int, int]:
        """The place of a grid in ``all`` and its size; ``params`` is JSON, as asv wrote it."""
        key = name, version, params
        found = self._seen.get(key)
        if found is None:
            values = tuple(map(tuple, parameter_values(texts(msgspec.json.decode(params)))))
            grid = Grid(text(name), text(version), values)
            found = self._seen[key] = self.add(grid), grid.size
        return found

    def add(self, grid: Grid) -> int:
        """Its place in ``all``, at the end if it is new."""
        place = self._place.setdefault(grid, len(self.all))
        if place == len(self.all):
            self.all.append(grid)
        return place


class Read(NamedTuple):
    """One file, its numbers as they stand in it: what is done to them is done for many files at once."""

    run: Run
    grids: list[int]  # place of each benchmark's grid in ``Grids``
    counts: list[int]  # how many of the grid's cells, from the first, have a result
    started_ms: list[float | None]  # of each benchmark: when its measuring began, since 1970
    columns: tuple[list[float | None], ...]  # result, quartiles, number
    problems: tuple[str, ...]


class Reader:
    """Reads result files. What many of them repeat is made once."""

    def __init__(self) -> None:
        self.grids = Grids()
        self._runs: dict[tuple[bytes, bytes, str, str], tuple[str, str, Facts, str]] = {}

    def read(self, name: str, folder: str, data: bytes) -> Read:
        """What ``data``, the content of the file ``name`` in ``folder``, says. Raises UnusableFile."""
        content = content_at_once(data)
        if content is not None:
            # Parameters are decoded later than the rest, and only once each.
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return self._read(content, name, folder)
        return self._read(content_value_by_value(data), name, folder)

    def _read(self, content: Content, name: str, folder: str) -> Read:
        run = self._run(content, name, folder)
        places: list[int] = []
        counts: list[int] = []
        started_ms: list[float | None] = []
        problems: list[str] = []
        columns: tuple[list[float | None], ...] = ([], [], [], [])
        result, q25, q75, number = columns
        for benchmark, row in content.results.items():
            place, size = self.grids.place(benchmark, row.version, bytes(row.params))
            if size > MOST_CELLS:
                problems.append(
                    f"{text(benchmark)} claims {size} combinations of parameters and was left out: run it again"
                )
                continue
            # No result at all: every cell failed, or the build did.
            own = row.result if row.result is not None else [None] * size
            count = min(len(own), size)
            if len(own) != size:
                problems.append(
                    f"{text(benchmark)} has {len(own)} results for {size} combinations of parameters; the rest was "
                    "left out: run it again"
                )
            places.append(place)
            counts.append(count)
            started_ms.append(row.started_at)
            result += own if len(own) == count else own[:count]
            q25 += _of_length(row.stats_q_25, count)
            q75 += _of_length(row.stats_q_75, count)
            number += _of_length(row.stats_number, count)
        return Read(run, places, counts, started_ms, columns, tuple(problems))

    def _run(self, content: Content, name: str, folder: str) -> Run:
        commit, environment = content.commit_hash, content.env_name
        if not isinstance(commit, str) or not commit:
            raise UnusableFile("names no commit_hash or holds no results")
        key = bytes(content.params), bytes(content.requirements), repr(content.python), folder
        known = self._runs.get(key)
        if known is None:
            known = self._runs[key] = _circumstances(content, folder)
        machine, python, hardware, requirements = known
        return Run(
            commit=text(commit),
            # asv names the file <commit>-<environment>.json
            environment=text(
                environment if isinstance(environment, str) else name.removesuffix(".json").partition("-")[2]
            ),
            machine=machine,
            date_ms=_date_ms(content.date),
            python=python,
            requirements=requirements,
            hardware=hardware,
        )


class Part(NamedTuple):
    """What several files say, joined: a process hands an array over at once, and a list number by number."""

    runs: list[Run]
    problems: list[tuple[str, ...]]  # of each file, as its runs
    sizes: list[int]  # of how many benchmarks each says something
    grids: array[int]  # place of each benchmark's grid in the reader's ``Grids``
    counts: array[int]
    started_ms: array[float]  # of each benchmark; NaN for null
    columns: tuple[array[float], ...]  # result, quartiles, number; NaN for null


def joined(read: Sequence[Read]) -> Part:
    """The files in their order."""
    return Part(
        runs=[one.run for one in read],
        problems=[one.problems for one in read],
        sizes=[len(one.grids) for one in read],
        grids=array("i", chain.from_iterable(one.grids for one in read)),
        counts=array("i", chain.from_iterable(one.counts for one in read)),
        started_ms=_doubles(one.started_ms for one in read),
        columns=tuple(_doubles(one.columns[place] for one in read) for place in range(4)),
    )


def _doubles(several: Iterable[Sequence[float | None]]) -> array[float]:
    return array("d", [math.nan if own is None else own for one in several for own in one])


def memory(ram: str, digits: int = 1) -> str:
    """``62.8 GiB``. asv notes bytes, or the user typed something else into its machine file.

    asv before 0.6 noted kB; no machine that runs benchmarks has less than a GiB, and few have a TiB.
    """
    if not (ram.isascii() and ram.isdecimal()):
        return ram
    size_bytes = int(ram[:30])
    return f"{(size_bytes if size_bytes >= 2**30 else size_bytes * 1024) / 2**30:.{digits}f} GiB"


def _of_length(values: Numbers, count: int) -> Sequence[float | None]:
    if values is None:
        return [None] * count
    return values if len(values) == count else [*values[:count], *[None] * (count - len(values))]


def facts_of(content: Mapping[str, object], asked: Iterable[str] = ()) -> Facts:
    """The facts of the machine that machine.json, or a result's ``params``, has.

    ``params`` also has what asv was ``asked`` to install, by name, which is none of the machine's.
    """
    others = sorted(set(map(text, content)) - {*ASV_FACTS, *NO_FACTS, *asked})
    said = ((name, fact(content.get(name))) for name in (*ASV_FACTS, *others))
    return tuple((name, value) for name, value in said if value)


def fact(value: object) -> str:
    """A value of machine.json on one line; several are joined: ``["T4", "T4"]`` is ``T4, T4``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{text(name)} {fact(own)}".strip() for name, own in value.items())
    if isinstance(value, list):
        return ", ".join(map(fact, value))
    return " ".join(text(value).split())


def _circumstances(content: Content, folder: str) -> tuple[str, str, Facts, str]:
    """Machine, version of Python, hardware, requirements."""
    said, asked = decoded(content.params), decoded(content.requirements)
    params: Mapping[str, object] = said if isinstance(said, dict) else {}
    requirements: Mapping[str, object] = asked if isinstance(asked, dict) else {}
    machine = params.get("machine")
    return (
        text(machine if isinstance(machine, str) and machine else folder),
        text(content.python or params.get("python")),
        facts_of(params, map(text, requirements)),
        _joined(sorted((text(name), text(version)) for name, version in requirements.items())),
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    """``a=1;b=2``; a semicolon inside becomes a comma, so that the parts can be told apart."""
    return ";".join(f"{name}={value}".replace(";", ",") for name, value in pairs)


def _date_ms(milliseconds: object) -> int:
    try:
        whole = int(float(milliseconds))  # type: ignore[arg-type]  # checked by trying
        datetime.fromtimestamp(whole / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise UnusableFile(f"has no usable date ({text(milliseconds):.40})") from None
    return whole
