"""Differences of two sides apart from time: exact, so one session on each side is enough.

Takes the details of both sides' sessions, gives a checked frame with a sentence per row. Where the sessions of one
side disagree with each other there is no row. Times are left to ``difference``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from tbp.traces.differences.wording import calls, kernel_text, quantity, shapes_text
from tbp.traces.operators.detail import NO_CALLER
from tbp.traces.reading.columns import NUMBER, TEXT, typed

EXACT_COLUMNS = {
    "operator": TEXT,
    "kind": TEXT,  # "moved", "shapes", "flops", "allocated_bytes", "copied_bytes", "kernel"
    "before": NUMBER,  # per step: calls that moved away or with the old shapes, FLOPs, bytes; NaN for kernels
    "after": NUMBER,
    "sentence": TEXT,
}
PARENT_COLUMNS = {
    "parent": TEXT,
    "operator": TEXT,
    "calls_before": NUMBER,  # per step, mean over sessions, as all numbers here
    "calls_after": NUMBER,
    "self_before_us": NUMBER,
    "self_after_us": NUMBER,
    "delta_us": NUMBER,
}

# Of what a time can come from other than calls, the most telling first; bytes follow from these.
_TELLING = ["shapes", "flops", "kernel", "moved"]
FOREMOST = 2

# Means over a side's steps may differ in their last bits.
_PRECISION = 1e-9


def exact_changes(before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """EXACT_COLUMNS, by operator; empty where a side has no details (DETAIL_COLUMNS)."""
    frame = typed([*_all(before, after)] if before and after else [], EXACT_COLUMNS)
    return frame.sort_values(["operator", "kind", "sentence"], kind="stable", ignore_index=True)


def foremost(exact: pd.DataFrame | None) -> tuple[str, ...]:
    """The sentences that tell most where no operator's calls or times do; none where nothing changed or is known."""
    if exact is None:
        return ()
    telling = exact[exact["kind"].isin(_TELLING)]
    order = telling["kind"].map(_TELLING.index).sort_values(kind="stable").index
    return tuple(map(str, telling.loc[order, "sentence"].head(FOREMOST)))


def by_parent(before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """PARENT_COLUMNS: every operator's calls and self time under each caller, the largest change first."""
    keys = ["parent", "operator"]
    sides = [_mean(details, keys, ["calls", "self_us"]) for details in (before, after)]
    joined = pd.concat([side.add_suffix(end) for side, end in zip(sides, ("_before", "_after"), strict=True)], axis=1)
    joined = joined.fillna(0.0).reset_index()
    joined["delta_us"] = joined["self_us_after"] - joined["self_us_before"]
    joined = joined.rename(columns={"self_us_before": "self_before_us", "self_us_after": "self_after_us"})
    order = joined["delta_us"].abs().sort_values(ascending=False, kind="stable").index
    return typed(joined.loc[order].reset_index(drop=True), PARENT_COLUMNS)


def _all(before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame]) -> Iterator[tuple[object, ...]]:
    same_calls = _unchanged_calls(before, after)
    yield from _moved(before, after, same_calls)
    yield from _shapes(before, after, same_calls)
    for kind in ("flops", "allocated_bytes", "copied_bytes"):
        for operator, old, new in _changed(before, after, ["operator"], kind):
            if not np.isnan(old) and not np.isnan(new):
                yield operator, kind, old, new, f"{operator} {quantity(old, new, kind)}"
    yield from _renamed(before, after)


def _mean(details: Sequence[pd.DataFrame], keys: list[str], columns: list[str]) -> pd.DataFrame:
    each = [detail.groupby(keys)[columns].sum() for detail in details]
    return pd.concat(each).groupby(level=list(range(len(keys)))).sum() / max(len(each), 1)


def _agreed(details: Sequence[pd.DataFrame], keys: list[str], column: str) -> pd.Series:
    """The sum per key where all sessions have the same; an unknown part makes the sum unknown."""
    sides = pd.concat([_sums(detail, keys, column) for detail in details], axis=1)
    if column == "calls":
        sides = sides.fillna(0.0)
    low, high = sides.min(axis=1, skipna=False), sides.max(axis=1, skipna=False)
    return low[(high - low <= _PRECISION * high.abs()) | low.isna()]


def _sums(detail: pd.DataFrame, keys: list[str], column: str) -> pd.Series:
    if column == "flops":
        return detail.groupby(keys)[column].agg(lambda values: values.sum(skipna=False))
    return detail.groupby(keys)[column].sum(min_count=1)


def _changed(
    before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame], keys: list[str], column: str
) -> Iterator[tuple[str, float, float]]:
    """(key, before, after) where the sessions of each side agree with each other, and the sides do not."""
    old, new = _agreed(before, keys, column), _agreed(after, keys, column)
    for key in old.index.intersection(new.index):
        if abs(old[key] - new[key]) > _PRECISION * max(abs(old[key]), abs(new[key])):
            yield key, float(old[key]), float(new[key])


def _unchanged_calls(before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame]) -> set[str]:
    old, new = _agreed(before, ["operator"], "calls"), _agreed(after, ["operator"], "calls")
    both = old.index.intersection(new.index)
    return set(both[(old[both] - new[both]).abs() <= _PRECISION * old[both]])


def _shifts(
    before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame], key: str, operators: Iterable[str]
) -> Iterator[tuple[str, pd.Series]]:
    """(operator, change of its calls per value of ``key``) where some of its calls changed that value."""
    sides = [_agreed(details, ["operator", key], "calls") for details in (before, after)]
    both = pd.concat(sides, axis=1, keys=["old", "new"]).fillna(0.0)
    delta = both["new"] - both["old"]
    delta = delta[delta.abs() > _PRECISION * both.max(axis=1)]
    for operator, change in delta.groupby(level=0):
        # Calls lost under a value must turn up under another, or the sessions of a side do not agree on it.
        if str(operator) in operators and abs(change.sum()) <= _PRECISION * change.abs().sum():
            yield str(operator), change.droplevel(0)


def _moved(
    before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame], operators: set[str]
) -> Iterator[tuple[object, ...]]:
    for operator, change in _shifts(before, after, "parent", operators):
        count, left, reached = float(change[change > 0].sum()), caller(change.idxmin()), caller(change.idxmax())
        noun = "call" if count == 1 else "calls"
        yield operator, "moved", count, count, f"{operator} {calls(count)} {noun} moved from {left} to {reached}"


def caller(parent: object) -> str:
    """A caller in words."""
    return "the step itself" if parent == NO_CALLER else str(parent)


def _shapes(
    before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame], operators: set[str]
) -> Iterator[tuple[object, ...]]:
    for operator, change in _shifts(before, after, "shapes", operators):
        old, new = str(change.idxmin()), str(change.idxmax())
        if old and new:  # else one side was recorded without shapes
            count = float(change[change > 0].sum())
            texts = f"{shapes_text(old)} → {shapes_text(new)}"
            yield operator, "shapes", count, count, f"{operator} works on {texts} in {calls(count)} of its calls"


def _renamed(before: Sequence[pd.DataFrame], after: Sequence[pd.DataFrame]) -> Iterator[tuple[object, ...]]:
    keys = ["operator", "shapes"]
    old, new = (_kernel_names(details, keys) for details in (before, after))
    for key in sorted(old.keys() & new.keys()):
        gone, come = sorted(old[key] - new[key]), sorted(new[key] - old[key])
        if gone and come:
            on = f" on {shapes_text(key[1])}" if key[1] else ""
            sentence = f"{key[0]}{on} runs {_kernels(come)} instead of {_kernels(gone)}"
            yield key[0], "kernel", np.nan, np.nan, sentence


def _kernels(names: Sequence[str]) -> str:
    return ", ".join(map(kernel_text, names))


def _kernel_names(details: Sequence[pd.DataFrame], keys: list[str]) -> dict[tuple[str, str], frozenset[str]]:
    """The kernels that each operator launches on each shape, where all sessions of a side agree."""
    sides = [
        {
            (str(operator), str(shapes)): frozenset("\n".join(names).split("\n")) - {""}
            for (operator, shapes), names in detail.groupby(keys)["kernels"]
        }
        for detail in details
    ]
    return {key: names for key, names in sides[0].items() if all(side.get(key) == names for side in sides[1:])}
