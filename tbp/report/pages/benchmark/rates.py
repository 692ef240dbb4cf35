"""Rates of a timed step and what else is known of it: FLOP/s, tokens/s, share of the machine's roof, memory, operators.

Takes a history of times and the histories of the same suite, joins those with the same parameters, machine and
environment, gives rows of words. Nothing is said of what nobody recorded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from tbp.model.changes import History
from tbp.model.series import SeriesKey
from tbp.report.pages.benchmark.cell_rows import cell_rows
from tbp.report.parts.addresses import series_href
from tbp.statistics.power_law import numeric
from tbp.wording import verdicts, words

FLOPS = "flops"
OPERATORS = "operators"
# Counters of tbp's suites (``tbp.bench.suite.COUNTERS``) → what they are called here.
COUNTERS = {
    FLOPS: "FLOPs of a step",
    "peak_bytes": "peak memory of a step",
    "model_bytes": "model size",
    OPERATORS: "operators of a step",
    "error": "error against the reference",
}
PEAK_OF_PROCESS = "peak memory of the process"  # asv's own peakmem_*

# Parameters whose product is the number of tokens in a step.
TOKENS = (("tokens",), ("batch", "sequence_length"), ("batch_size", "sequence_length"), ("batch_size", "seq_len"))

_TIMED = re.compile(r"(?i)^(torchtime|timeraw|time)_?")

# A series without its method: suite, parameters, machine, environment.
_Cell: TypeAlias = tuple[str, frozenset[tuple[str, str]], str, str]


class Rate(Struct, frozen=True):
    """One row: what it is, how much, and the page it was measured on (empty for what was reckoned)."""

    name: str
    value: str
    href: str = ""


def rates_of_all(histories: Sequence[History]) -> dict[SeriesKey, tuple[Rate, ...]]:
    """The rates of each series of times; series without any are left out."""
    cells: dict[_Cell, dict[str, History]] = {}
    for history in histories:
        cells.setdefault(_cell(history.key), {})[_method(history.key)] = history
    timed = (history for history in histories if history.unit == "seconds")
    known = {history.key: rates(history, cells[_cell(history.key)]) for history in timed}
    return {key: several for key, several in known.items() if several}


def rates(history: History, cells: Mapping[str, History]) -> tuple[Rate, ...]:
    """Rows for a series of times, from the series of its cell by method; none where nothing was recorded."""
    time_s = verdicts.newest_value(history)
    if not time_s > 0:
        return ()
    rows = []
    flops = verdicts.newest_value(cells.get(f"track_{FLOPS}"))
    if flops > 0:
        rows.append(Rate("work done", f"{words.flop(flops / time_s)}/s"))
        if history.roof_flop > 0 and not (history.cell is not None and history.cell.roof_share > 0):
            share = words.percent(flops / history.roof_flop)
            rows.append(Rate("share of the roof", f"{share} of the machine's float32 matrix products beside it"))
    if history.cell is not None:
        rows += [Rate(name, value) for name, value in cell_rows(history.cell)]
    tokens = tokens_of(history.key)
    if tokens > 0 and not (history.cell is not None and history.cell.counted.tokens):
        rows.append(Rate("throughput", f"{words.significant(tokens / time_s)} tokens/s"))
    for counter, name in COUNTERS.items():
        rows += _row(name, cells.get(f"track_{counter}"))
    rows += _row(PEAK_OF_PROCESS, cells.get(_TIMED.sub("peakmem_", _method(history.key))))
    return tuple(rows)


def tokens_of(key: SeriesKey) -> float:
    """Tokens in one step, from the parameters; NaN where they do not tell."""
    parameters = dict(key.parameters)
    for names in TOKENS:
        if all(name in parameters for name in names):
            sizes = [numeric([parameters[name]]).get(parameters[name], math.nan) for name in names]
            return math.prod(sizes)
    return math.nan


def _row(name: str, history: History | None) -> list[Rate]:
    value = verdicts.newest_value(history)
    if history is None or not math.isfinite(value):
        return []
    in_words = {OPERATORS: words.calls, "FLOP": words.flop}.get(history.unit)
    shown = in_words(value) if in_words else words.quantity(value, history.unit)
    return [Rate(name, shown, f"../{series_href(history)}")]


def _method(key: SeriesKey) -> str:
    return key.benchmark.rpartition(".")[2]


def _cell(key: SeriesKey) -> _Cell:
    return key.benchmark.rpartition(".")[0], frozenset(key.parameters), key.machine, key.environment
