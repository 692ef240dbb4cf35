"""The operators of a difference by the time that they lost, for a terminal.

Takes a ``TraceDifference``, gives rows and a paragraph of ``tbp.wording.terminal``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from rich.console import RenderableType

from tbp.traces.differences.difference import TraceDifference
from tbp.traces.differences.order import by_time_lost, time_moved
from tbp.wording import words
from tbp.wording.terminal import Paragraph, TextRows


def lost_parts(difference: TraceDifference, most: int) -> Iterator[RenderableType]:
    """The ``most`` operators that lost most time, what all of them lost and gained, and how sure that is."""
    ordered, moved = by_time_lost(difference.rows), time_moved(difference.rows)
    yield ""
    rows = TextRows()
    rows.add("operator", "lost", "before", "after", "calls", "certain")
    for _, row in ordered.head(most).iterrows():
        rows.add(*_cells(row))
    yield rows
    if len(ordered) > most:
        rest_us = float(ordered["delta_us"].iloc[most:].sum())
        left = words.count(len(ordered) - most, "more operator")
        yield f"… and {left}: {words.signed_microseconds(rest_us)} (--top N)"
    lost, gained = (words.signed_microseconds(value) for value in (moved.lost_us, moved.gained_us))
    in_all = words.signed_microseconds(moved.lost_us + moved.gained_us)
    yield Paragraph(
        f"Lost {lost} in {words.count(moved.lost, 'operator')}, gained {gained} in "
        f"{words.count(moved.gained, 'operator')}: {in_all} in all; what is not certain may be noise"
    )


def _cells(row: pd.Series) -> tuple[str, ...]:
    before, after = (words.calls(float(row[f"calls_{side}"])) for side in ("before", "after"))
    return (
        str(row["operator"]),
        words.signed_microseconds(float(row["delta_us"])),
        words.microseconds(float(row["self_before_us"])),
        words.microseconds(float(row["self_after_us"])),
        before if before == after else f"{before} → {after}",
        "yes" if row["certain"] else "",
    )
