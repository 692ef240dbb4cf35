"""Why benchmark cells have no value: the end of their output, kept beside asv's results.

asv prints the output of a benchmark that failed if it is asked to, and never stores it. ``tbp.asv.keep_reasons``, in
asv's own process, leaves one file beside each result file: ``<machine>/<commit>-<environment>.reasons``, a name that
asv ignores. Takes such files, gives the line of each cell that says most; adds the outputs of one run of asv.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from tbp.asv.records import RecordKind, UnusableRecord
from tbp.model.series import SeriesKey
from tbp.system.python_text import encodable, plain_value
from tbp.system.whole_files import write_whole

END = ".reasons"
# History of the file. A field more is no new format: readers pass over fields that they do not know.
#   1  first
FORMAT = 1
MOST_BYTES = 16_000_000  # of one file: 4,000 different outputs
MOST_OUTPUT = 4_000  # characters of the end of one output: a traceback of thirty frames
MOST_LINE = 500  # characters of a reason: five lines of a terminal

Cell = tuple[str, tuple[str, ...]]  # benchmark, and the values of its parameters in asv's order


class _StoredOutput(Struct, frozen=True):
    benchmark: str
    values: tuple[str, ...]
    output: int  # in outputs


class _ReasonsFile(Struct, frozen=True):
    format: int
    machine: str
    environment: str
    commit: str  # full hash
    outputs: tuple[str, ...]  # different ones: a commit that cannot be imported has one for all cells
    cells: tuple[_StoredOutput, ...]


def _fault(file: _ReasonsFile) -> str:
    is_sound = all(0 <= entry.output < len(file.outputs) for entry in file.cells)
    return "" if is_sound else "a cell in it names an output that is not there"


_KIND = RecordKind(_ReasonsFile, FORMAT, "reasons", MOST_BYTES, _fault)


class Reasons(Struct, frozen=True):
    """The reasons of a results folder, one line each."""

    by_series: Mapping[tuple[Cell, str, str], Mapping[str, str]] = {}  # cell, machine, environment → commit → reason
    problems: tuple[str, ...] = ()  # sentences: which file could not be used and what to do

    def of(self, key: SeriesKey) -> Mapping[str, str]:
        """Why the series has no value, by commit; without those of which nothing is known."""
        cell = key.benchmark, tuple(value for _, value in key.parameters)
        return self.by_series.get((cell, key.machine, key.environment), {})


def read_reasons(results_dir: Path) -> Reasons:
    """Every reason under ``results_dir``; none is fine, since asv alone keeps none. Raises nothing."""
    return reasons_in((path, partial(_KIND.read, path)) for path in sorted(results_dir.glob(f"*/*{END}")))


def decoded_reasons(data: bytes) -> Callable[[], _ReasonsFile]:
    """The reader of the content of a file, for ``reasons_in``."""
    return partial(_KIND.decoded, data)


def reasons_in(files: Iterable[tuple[Path, Callable[[], _ReasonsFile]]]) -> Reasons:
    """The reasons in ``files``: the path of each, and its reader. Raises nothing."""
    reasons: dict[tuple[Cell, str, str], dict[str, str]] = {}
    problems = []
    for path, read in files:
        try:
            stored = read()
        except UnusableRecord as error:
            problems.append(f"{path} was left out: {error}; delete it, and the next run of its commit writes it anew")
            continue
        lines = [essence(output) for output in stored.outputs]
        for entry in stored.cells:
            cell = entry.benchmark, tuple(map(plain_value, entry.values))
            of_series = reasons.setdefault((cell, stored.machine, stored.environment), {})
            of_series[stored.commit] = lines[entry.output]
    return Reasons(reasons, tuple(problems))


def stored_outputs(path: Path) -> dict[Cell, str]:
    """The outputs of the cells in one file; empty where it is missing or damaged."""
    try:
        stored = _KIND.read(path)
    except UnusableRecord:
        return {}
    return {(entry.benchmark, entry.values): stored.outputs[entry.output] for entry in stored.cells}


def write_outputs(path: Path, machine: str, environment: str, commit: str, outputs: Mapping[Cell, str]) -> None:
    """Store the outputs of one result file; where there are none, remove the file. Raises OSError."""
    if not outputs:
        path.unlink(missing_ok=True)
        return
    write_whole(path, _encoded(machine, environment, commit, outputs))


def _encoded(machine: str, environment: str, commit: str, outputs: Mapping[Cell, str]) -> bytes:
    ends = {cell: encodable(output[-MOST_OUTPUT:]) for cell, output in sorted(outputs.items())}
    position = {output: index for index, output in enumerate(dict.fromkeys(ends.values()))}
    cells = tuple(_StoredOutput(*cell, position[output]) for cell, output in ends.items())
    return msgspec.json.encode(_ReasonsFile(FORMAT, machine, environment, commit, tuple(position), cells))


def merged_reasons(ours: bytes, theirs: bytes) -> bytes:
    """One file of two runners' outputs of one result file; of a cell that both have, that of ``ours``.

    It is one of the two where that has all cells of the other.
    """
    left, right = _KIND.known(ours), _KIND.known(theirs)
    if left is None or right is None:
        return ours if right is None else theirs
    sides = [
        {(cell.benchmark, cell.values): file.outputs[cell.output] for cell in file.cells} for file in (right, left)
    ]
    both = sides[0] | sides[1]
    for content, side in ((theirs, sides[0]), (ours, sides[1])):
        if side.keys() == both.keys():
            return content
    return _encoded(left.machine, left.environment, left.commit, both)


_SKIPPED = re.compile(r"^asv: skipped: (?:NotImplementedError\((['\"])(.*)\1\)|(.*))", re.MULTILINE)
_STATUS = re.compile(r"\(exit status -(\d{1,3})\)")  # Python refuses to read a number of thousands of digits
_TRACEBACK = "Traceback (most recent call last):"


def is_skip(output: str) -> bool:
    """True for the output of a cell that said that it cannot run there, which is no failure."""
    return _SKIPPED.search(output) is not None


def essence(output: str) -> str:
    """The line of a benchmark's output that says most: asv's own word, the exception, or the last line."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    if not lines:
        return ""
    if skipped := _SKIPPED.search(output):
        return (skipped[2] or skipped[3] or "its setup raised NotImplementedError").strip()[:MOST_LINE]
    last = lines[-1]
    if last.startswith("asv: "):
        killed = _STATUS.search(last)
        return f"the process was killed by {_signal(int(killed[1]))}" if killed else last[len("asv: ") :][:MOST_LINE]
    return (_exception(lines) or last).strip()[:MOST_LINE]


def _exception(lines: Sequence[str]) -> str:
    """The first line of the exception that the last traceback ends with; empty without one."""
    starts = [index for index, line in enumerate(lines) if line.strip() == _TRACEBACK]
    if not starts:
        return ""
    indent = len(lines[starts[-1]]) - len(lines[starts[-1]].lstrip())
    rest = lines[starts[-1] + 1 :]
    return next((line for line in rest if len(line) - len(line.lstrip()) <= indent), "")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
