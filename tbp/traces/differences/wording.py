"""A sentence per operator of a difference, for the gate, the report and the notification alike.

Takes rows of a difference, gives text; leaves escaping to whoever prints it (an operator's name may be any text).
"""

from __future__ import annotations

import json

import pandas as pd
from msgspec import Struct

LEAST_SHARE = 0.005  # would read "0 %"
MOST_KERNEL = 60  # characters; a sentence names two or more


class RowFigures(Struct, frozen=True):
    """The numbers of a sentence; times are µs per step, ``share`` is NaN where there is none to give."""

    operator: str
    kind: str
    calls_before: float
    calls_after: float
    self_before_us: float
    self_after_us: float
    share: float

    @property
    def delta_us(self) -> float:
        return self.self_after_us - self.self_before_us


def row_sentences(rows: pd.DataFrame, clock: str) -> pd.Series[str]:
    """The column "sentence" of ``rows``, which have the others of ``difference.ROW_COLUMNS``."""
    return pd.Series([row_sentence(row, clock) for row in _figures(rows)], dtype=object)


def attributions(rows: pd.DataFrame, clock: str) -> list[str]:
    """A sentence for each of ``rows`` (ROW_COLUMNS) that may stand beside a timing: calls, and shares of the trace."""
    return [attribution_sentence(row, clock) for row in _figures(rows)]


def counts(rows: pd.DataFrame) -> list[str]:
    """A sentence for each of ``rows`` (ROW_COLUMNS) on its calls alone."""
    return [counts_sentence(row) for row in _figures(rows)]


def _figures(rows: pd.DataFrame) -> list[RowFigures]:
    fields = [rows[name] for name in RowFigures.__struct_fields__]
    return [RowFigures(*values) for values in zip(*fields, strict=True)]


def row_sentence(row: RowFigures, clock: str) -> str:
    """``aten::_softmax 1 → 2 calls (+0.87 ms, 81 % of the slowdown)``; the share only where the row adds to it."""
    return f"{row.operator} {_happening(row)} ({_amount(row, clock)})"


def attribution_sentence(row: RowFigures, clock: str) -> str:
    """``aten::_softmax 1 → 2 calls (81 % of the traced slowdown)``: for a reader who has another clock before them.

    Traced times are longer than timed ones, by how much differs from operator to operator; only a share that is too
    small to give leaves the time itself, as the trace's.
    """
    if row.share >= LEAST_SHARE:
        beside = f"{row.share * 100:.0f} % of the traced {'slowdown' if row.delta_us > 0 else 'speed-up'}"
    else:  # also NaN
        beside = f"{change(row.delta_us)} in the trace"
    return f"{row.operator} {_happening(row)} ({beside}{', on the device' if clock == 'device' else ''})"


def counts_sentence(row: RowFigures) -> str:
    """``aten::_softmax 1 → 2 calls``: true of the step whichever way it is measured."""
    return f"{row.operator} {calls(row.calls_before)} → {calls(row.calls_after)} calls"


def calls(number: float) -> str:
    """A number of calls, whole where it is whole: an operator of every fourth step has 0.25."""
    return f"{number:.0f}" if number == round(number) else f"{number:.2f}".rstrip("0")


def change(delta_us: float) -> str:
    """A change of time with its sign, in µs below 100 and in ms above; ``0 µs`` has none."""
    size = abs(delta_us)
    if size < 100:
        return f"{_sign(delta_us)}{size:.0f} µs" if size >= 0.5 else "0 µs"
    return f"{_sign(delta_us)}{size / 1000:.{2 if size < 10_000 else 1}f} ms"


def _sign(value: float) -> str:
    return "+" if value > 0 else "\u2212"


def kernel_text(name: str) -> str:
    """A kernel's name without its middle where it is long, as templates make it: both ends tell it from others."""
    if len(name) <= MOST_KERNEL:
        return name
    head = (MOST_KERNEL - 1) // 2
    return f"{name[:head]}…{name[head + 1 - MOST_KERNEL :]}"


def _happening(row: RowFigures) -> str:
    if row.kind in {"new", "gone", "calls"}:
        return f"{calls(row.calls_before)} → {calls(row.calls_after)} calls"
    if not row.calls_after:
        return "changed" if row.kind == "time" else "unchanged"
    noun = "call" if row.calls_after == 1 else "calls"
    if row.kind == "time" and row.self_before_us:
        percent = (row.self_after_us / row.self_before_us - 1) * 100
        return f"{_sign(percent)}{abs(percent):.0f} % in {calls(row.calls_after)} {noun} as before"
    return f"{calls(row.calls_after)} {noun} as before"


def _amount(row: RowFigures, clock: str) -> str:
    amount = change(row.delta_us) + (" on the device" if clock == "device" else "")
    if not row.share >= LEAST_SHARE:  # also NaN
        return amount
    whole = "slowdown" if row.delta_us > 0 else "speed-up"
    return f"{amount}, {row.share * 100:.0f} % of the {whole}"


def quantity(before: float, after: float, kind: str) -> str:
    """``1.2 → 2.4 GFLOP``, ``copied 0 → 96 kB``: both in the unit of the larger."""
    verb, unit = {"flops": ("", "FLOP"), "allocated_bytes": ("allocated ", "B"), "copied_bytes": ("copied ", "B")}[kind]
    largest = max(abs(before), abs(after))
    scale, prefix = next(
        ((scale, prefix) for scale, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")) if largest >= scale),
        (1.0, ""),
    )
    # As many digits as tell them apart.
    texts = ([f"{value / scale:.{digits}g}" for value in (before, after)] for digits in range(4, 17))
    old, new = next((pair for pair in texts if pair[0] != pair[1]), [f"{before / scale:g}", f"{after / scale:g}"])
    return f"{verb}{old} → {new} {prefix}{unit}"


def shapes_text(recorded: str) -> str:
    """``[[8, 64], [], [64]]`` as ``8×64, 64``; anything else as it was recorded."""
    try:
        sizes = json.loads(recorded)
        return ", ".join("×".join(str(int(length)) for length in size) for size in sizes if size) or "no shape"
    except (ValueError, TypeError, RecursionError):
        return recorded
