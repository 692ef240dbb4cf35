"""One asv result file → the head of its run, its benchmarks and their values as numpy columns.

Takes the bytes of a file of asv's format 2 or 1. Units and names of parameters are left to ``tbp.asv.results``, because
benchmarks.json declares them and may change.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from itertools import chain
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from tbp.asv.declarations import parameter_values
from tbp.asv.result_json import (
    INFINITE,
    SKIPPED,
    Numbers,
    ResultContent,
    UnusableFile,
    decoded,
    parameter_texts,
    text,
    tolerant_content,
    usual_content,
)
from tbp.system.arrays import Floats
from tbp.wording.words import MOST_SHOWN, shortened

# Of one file. At a second each it would take more than a day to measure them; the largest project seen has 10,600. A
# few hundred bytes can claim any number, and each takes 9 kB of memory in a report.
MOST_CELLS = 100_000
# Characters of a benchmark's name, and of a parameter's value, which becomes part of names on every page; the longest
# seen has 47.
MOST_TEXT = 10_000
# Larger and smaller values are no quantity of anything, and their ratios and squares are beyond floating point.
LARGEST, SMALLEST = 1e100, 1e-100
# The year 9999: beyond it no date can be written.
LATEST_MS = 253_402_300_799_999.0

# asv's own facts of a machine; ``os`` includes the version of the kernel. All other keys of machine.json (gpu, driver,
# …) are the project's own facts.
ASV_FACTS = ("cpu", "num_cpu", "ram", "arch", "os")
NO_FACTS = ("machine", "version", "python")

# The facts of a machine in a result file or machine.json: asv's in their order, then others by name. None is empty.
Facts: TypeAlias = tuple[tuple[str, str], ...]
Counts: TypeAlias = NDArray[np.int64]


class ResultHead(msgspec.Struct, frozen=True):
    """The run of a result file, and its circumstances as asv recorded them."""

    commit: str  # full hash
    environment: str
    machine: str
    date_ms: int  # of the commit, since 1970 in UTC
    python: str
    requirements: str  # "numpy=1.26;torch=": as asv was asked for them, sorted by name
    facts: Facts

    @property
    def hardware(self) -> str:
        """``cpu=…;num_cpu=…;ram=…;arch=…;os=…;gpu=…``, memory in whole GiB, without unknown facts.

        Two kernels disagree about the last megabytes of one machine, and two versions of asv about the unit.
        """
        return hardware_text(self.facts)


class RecordedBenchmark(msgspec.Struct, frozen=True, cache_hash=True, dict=True):
    """A benchmark as a result file has it; its cells are the product of the values, in order."""

    name: str
    version: str  # "" in files too old to have one
    parameters: tuple[tuple[str, ...], ...]  # each parameter's values, as the report shows them

    @cached_property
    def size(self) -> int:
        """Its number of cells."""
        return math.prod(map(len, self.parameters))

    @cached_property
    def is_wordy(self) -> bool:
        """True where its name or a value is longer than any that somebody means."""
        return max(map(len, (self.name, *chain.from_iterable(self.parameters)))) > MOST_TEXT


class ResultFile(msgspec.Struct, frozen=True, eq=False):
    """A result file as columns: the values of the first benchmark's cells in order, then of the second's, …"""

    head: ResultHead
    benchmarks: tuple[RecordedBenchmark, ...]
    counts: Counts  # of each benchmark's cells, the first that have a value
    started_ms: Floats  # start of each benchmark's measuring, since 1970; NaN where unknown
    value: Floats  # infinite: failed, NaN: skipped
    q25: Floats  # quartiles and number are NaN where unknown
    q75: Floats
    number: Floats
    problems: tuple[str, ...] = ()  # sentences: a part that could not be used, and the remedy


def result_file(name: str, folder: str, data: bytes) -> ResultFile:
    """The columns of ``data``, the content of the file ``name`` in ``folder``. Raises UnusableFile."""
    content = usual_content(data)
    if content is not None:
        # Parameters are decoded later than the rest, and only once each. ValueError: bad UTF-8, numbers beyond any use.
        with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
            return _columns(content, name, folder)
    return _columns(tolerant_content(data), name, folder)


def _columns(content: ResultContent, name: str, folder: str) -> ResultFile:
    head = _head(content, name, folder)
    benchmarks: list[RecordedBenchmark] = []
    counts: list[int] = []
    cells = 0
    started_ms: list[float | None] = []
    problems: list[str] = []
    result: list[float | None] = []
    q25: list[float | None] = []
    q75: list[float | None] = []
    number: list[float | None] = []
    for row_name, row in content.results.items():
        benchmark = _recorded(row_name, row.version, bytes(row.params))
        size = benchmark.size
        if cells + size > MOST_CELLS or benchmark.is_wordy:
            reason = _beyond_bounds(benchmark)
            problems.append(f"{shortened(benchmark.name, MOST_SHOWN)} {reason}, and was left out: run it again")
            continue
        # No result at all: every cell failed, or the build did.
        values = row.result if row.result is not None else [None] * size
        count = min(len(values), size)
        if len(values) != size:
            problems.append(
                f"{benchmark.name} has {len(values)} results for {size} combinations of parameters; the rest was "
                "left out: run it again"
            )
        benchmarks.append(benchmark)
        counts.append(count)
        cells += count
        started_ms.append(row.started_at)
        result += values[:count]
        q25 += _of_length(row.stats_q_25, count)
        q75 += _of_length(row.stats_q_75, count)
        number += _of_length(row.stats_number, count)
    measured, wild = _measured(result)
    if wild:
        problems.append(f"{wild} values beyond ±{LARGEST:g} count as failed: correct the unit of what returns them")
    return ResultFile(
        head,
        tuple(benchmarks),
        np.array(counts, np.int64),
        _starts(started_ms),
        measured,
        _statistic(q25),
        _statistic(q75),
        _statistic(number),
        tuple(problems),
    )


def _starts(milliseconds: Sequence[float | None]) -> Floats:
    started_ms = np.array(milliseconds, np.float64)
    started_ms[~((started_ms > 0) & (started_ms <= LATEST_MS))] = math.nan
    return started_ms


def _beyond_bounds(benchmark: RecordedBenchmark) -> str:
    """The reason for which a benchmark is left out of a file."""
    if benchmark.is_wordy:
        return f"has a name or a value of more than {MOST_TEXT:,} characters"
    return f"claims {benchmark.size:,} combinations of parameters where a run has at most {MOST_CELLS:,}"


def _measured(result: Sequence[float | None]) -> tuple[Floats, int]:
    """The values, and how many count as failed because they are too large.

    asv stores null for failed cells and NaN for skipped ones. An infinite value is no measurement either. One that is
    too small for any use is 0.
    """
    values = np.array(result, np.float64)
    size = np.abs(values)
    is_skipped = values == SKIPPED
    wild = int(((size > LARGEST) & (size < INFINITE) & ~is_skipped).sum())
    values[~(size <= LARGEST)] = math.inf
    values[is_skipped] = math.nan
    values[size < SMALLEST] = 0.0
    return values, wild


def _statistic(known: Sequence[float | None]) -> Floats:
    values = np.array(known, np.float64)
    values[~(np.abs(values) <= LARGEST)] = math.nan
    values[np.abs(values) < SMALLEST] = 0.0
    return values


def _of_length(values: Numbers, count: int) -> Sequence[float | None]:
    if values is None:
        return [None] * count
    return values if len(values) == count else [*values[:count], *[None] * (count - len(values))]


@lru_cache(1 << 16)  # thousands of files repeat each; 65,536 are more benchmarks than any project has
def _recorded(name: str, version: str | None, params: bytes) -> RecordedBenchmark:
    """``params`` is JSON, as asv wrote it."""
    values = parameter_values(parameter_texts(msgspec.json.decode(params)))
    return RecordedBenchmark(text(name), text(version), tuple(map(tuple, values)))


def _head(content: ResultContent, name: str, folder: str) -> ResultHead:
    commit, environment = content.commit_hash, content.env_name
    if not isinstance(commit, str) or not commit:
        raise UnusableFile("names no commit_hash or holds no results")
    machine, python, facts, requirements = _circumstances(
        bytes(content.params), bytes(content.requirements), text(content.python or ""), folder
    )
    return ResultHead(
        commit=text(commit),
        # asv names the file <commit>-<environment>.json
        environment=text(environment if isinstance(environment, str) else name.removesuffix(".json").partition("-")[2]),
        machine=machine,
        date_ms=_date_ms(content.date),
        python=python,
        requirements=requirements,
        facts=facts,
    )


@lru_cache(1 << 12)  # few differ
def _circumstances(params: bytes, requirements: bytes, python: str, folder: str) -> tuple[str, str, Facts, str]:
    """Machine, version of Python, facts, requirements; the first two arguments are JSON."""
    machine, pins = _object(params), _object(requirements)
    name = machine.get("machine")
    return (
        text(name if isinstance(name, str) and name else folder),
        python or text(machine.get("python")),
        facts_of(machine, map(text, pins)),
        _joined(sorted((text(pin), text(version)) for pin, version in pins.items())),
    )


def _object(raw: bytes) -> Mapping[str, object]:
    content = decoded(raw)
    return content if isinstance(content, dict) else {}


def facts_of(content: Mapping[str, object], requirements: Iterable[str] = ()) -> Facts:
    """The facts of the machine in machine.json, or in a result's ``params``.

    ``params`` also has the ``requirements`` that asv installed, by name, which are no facts of the machine.
    """
    names = sorted(set(map(text, content)) - {*ASV_FACTS, *NO_FACTS, *requirements})
    facts = ((name, _one_line(content.get(name))) for name in (*ASV_FACTS, *names))
    return tuple((name, value) for name, value in facts if value)


def _one_line(value: object) -> str:
    """A value of machine.json; several are joined: ``["T4", "T4"]`` is ``T4, T4``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{text(name)} {_one_line(part)}".strip() for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_one_line, value))
    return " ".join(text(value).split())


def memory(ram: str, digits: int = 1) -> str:
    """``62.8 GiB``, of bytes as asv notes them; another text, which a user typed, as it is.

    asv before 0.6 noted kB; no machine that runs benchmarks has less than a GiB, and few have a TiB.
    """
    if not (ram.isascii() and ram.isdecimal()):
        return ram
    size_bytes = int(ram[:30])
    return f"{(size_bytes if size_bytes >= 2**30 else size_bytes * 1024) / 2**30:.{digits}f} GiB"


def hardware_text(facts: Facts) -> str:
    """``facts`` as ``ResultHead.hardware`` has them."""
    return _joined((name, memory(value, digits=0) if name == "ram" else value) for name, value in facts)


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
