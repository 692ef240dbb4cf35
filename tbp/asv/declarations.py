"""Declarations of asv's benchmarks: benchmarks.json, names and parameter values.

Takes the file as asv writes it on discovery, or only a benchmark's name where there is none. Gives ``Benchmark``
values for ``results``.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tbp.system.bounded import read_plain
from tbp.system.python_text import encodable, plain_value, without_address

# Of benchmarks.json, which has the source of every benchmark, and of machine.json: 30,000 benchmarks of 2 kB each.
MOST_BYTES = 64_000_000

# asv's prefixes and those of tbp's own type, with (type, unit), for benchmarks that benchmarks.json does not declare.
PREFIXES = {
    "torchtime": ("time", "seconds"),
    "timeraw": ("time", "seconds"),
    "time": ("time", "seconds"),
    "peakmem": ("peakmemory", "bytes"),
    "mem": ("memory", "bytes"),
    "track": ("track", "unit"),
}
_PREFIX = re.compile(rf"(?i:{'|'.join(PREFIXES)})(?=_|[A-Z])")  # time_it and TimeIt alike


class Benchmark(Struct, frozen=True):
    """One benchmark as declared today."""

    name: str
    type: str  # asv's: "time", "peakmemory", "track", …
    unit: str
    version: str = ""  # "" where nothing declares it
    parameter_names: tuple[str, ...] = ()
    parameters: tuple[tuple[str, ...], ...] | None = None  # each one's values as the report shows them; None: unknown
    code: str = ""  # its source and its setup's, as asv reads them; empty where it could not

    def names(self, count: int) -> tuple[str, ...]:
        """The names of ``count`` parameters; asv's "param1", … where a run had another number of them."""
        if len(self.parameter_names) == count:
            return self.parameter_names
        return tuple(f"param{i}" for i in range(1, count + 1))


def read_json(path: Path) -> object:
    """The file's content; None for a file without valid JSON, for no plain file and for one beyond MOST_BYTES.

    Accepts NaN and Infinity, which asv writes. Every text can be encoded.
    """
    try:
        return json_in(read_plain(path, MOST_BYTES))
    except OSError:
        return None


def json_in(data: bytes) -> object:
    """The content of such a file; None where it holds no valid JSON."""
    try:
        # A text of JSON is one of its values as well: all of them at once.
        return json.loads(encodable(json.dumps(json.loads(data), ensure_ascii=False)))
    except (ValueError, RecursionError):  # ValueError: bad JSON, bad UTF-8, numbers beyond any use
        return None


def benchmark_from_name(name: str) -> Benchmark:
    """The benchmark by asv's naming convention; a name without a known prefix is of type and unit "unknown"."""
    prefix = _PREFIX.match(name.rpartition(".")[2])
    kind, unit = PREFIXES[prefix.group().lower()] if prefix else ("unknown", "unknown")
    return Benchmark(name, kind, unit)


def declarations(path: Path, problems: list[str]) -> dict[str, Benchmark]:
    """The benchmarks of benchmarks.json by name; without the file, nothing. Faults are added to problems."""
    if not os.path.lexists(path):
        return {}
    content = read_json(path)
    if not isinstance(content, dict):
        problems.append(f"{path} cannot be read, so units and parameter names are guessed; run `asv check`")
        return {}
    return declared_in(content)


def declared_in(content: Mapping[str, object]) -> dict[str, Benchmark]:
    """The benchmarks in the content of a benchmarks.json by name."""
    return {name: _benchmark(name, entry) for name, entry in content.items() if isinstance(entry, dict)}


def _benchmark(name: str, entry: Mapping[str, object]) -> Benchmark:
    guess = benchmark_from_name(name)
    names = entry.get("param_names")
    return Benchmark(
        name,
        type=str(entry.get("type") or guess.type),
        unit=str(entry.get("unit") or guess.unit),
        version=str(entry.get("version") or ""),
        parameter_names=tuple(str(name) for name in names) if isinstance(names, list) else (),
        parameters=tuple(map(tuple, parameter_values(entry["params"]))) if "params" in entry else None,
        code=code if isinstance(code := entry.get("code"), str) else "",
    )


def parameter_values(params: object) -> list[list[str]]:
    """The values of each parameter as the report shows them, from the reprs that asv stores; [] without parameters."""
    if not isinstance(params, list):
        return []
    lists = [[without_address(str(value)) for value in values] for values in params if isinstance(values, list)]
    return [_distinct([plain_value(value) for value in values], values) for values in lists]


def _distinct(plain: list[str], original: list[str]) -> list[str]:
    """The plain values, or the reprs where two plain values would be equal: 256 and '256' are two cells.

    Equal reprs are two cells too, numbered in order, as asv_runner does: ``<Model> (0)``, ``<Model> (1)``.
    """
    shown = plain if len(set(plain)) == len(set(original)) else original
    number = Counter(shown)
    if len(number) == len(shown):
        return shown
    seen: Counter[str] = Counter()
    for index, value in enumerate(shown):
        if number[value] > 1:
            shown[index] = f"{value} ({seen[value]})"
            seen[value] += 1
    return shown
