"""Recordings → what is shown: operators ranked, or the difference of two sides with what is certain apart.

Takes sources that were read, gives checked frames with the facts to say above them. Reads and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd

from tbp.asv.stored_traces import Source
from tbp.errors import UsageError
from tbp.hotspots.devices import Devices, devices
from tbp.traces.differences.difference import TraceDifference, difference
from tbp.traces.operators.operators import OperatorTable, hotspots, merged_table

FLOPS = "flops"  # column of the operator table, in traces whose shapes were recorded


class By(StrEnum):
    """What operators are ranked by."""

    SELF = "self"
    DEVICE = "device"
    TOTAL = "total"
    FLOPS = "flops"


COLUMNS = {By.SELF: "self_us", By.DEVICE: "self_device_us", By.TOTAL: "total_us", By.FLOPS: FLOPS}


@dataclass(frozen=True)
class Facts:
    """What is said of one side above its numbers."""

    name: str  # file or commit
    files: tuple[str, ...]
    traces: int
    steps: tuple[int, ...]  # of each trace; 0: it marks none
    device: str
    torch: str
    commit: str  # as the trace says
    losses: tuple[str, ...]  # sentences: what could not be read


@dataclass(frozen=True)
class Ranking:
    """``rows`` are the operator table's, largest first, and ``share``: their part of the whole.

    The whole is the sum over all operators; of total times, which contain each other, it is the step's host time.
    """

    cell: str
    facts: Facts
    by: By
    rows: pd.DataFrame
    whole: float  # µs per step, or FLOPs
    has_device: bool
    devices: Devices | None  # None: nothing ran on one, or only its operators were kept


@dataclass(frozen=True)
class Compared:
    """Two sides of one cell."""

    cell: str
    before: Facts
    after: Facts
    difference: TraceDifference
    devices: tuple[Devices | None, Devices | None]  # before, after


def ranking(source: Source, by: By | None = None) -> Ranking:
    """The operators of one cell; ranked by device time where there is any, unless ``by`` says otherwise.

    Raises:
        UsageError: nothing is known of what it should be ranked by.
    """
    table = merged_table([one.session.table for one in source.recordings])
    has_device = bool(table.frame["self_device_us"].sum() > 0)
    by = by or (By.DEVICE if has_device else By.SELF)
    column = COLUMNS[by]
    if by is By.DEVICE and not has_device:
        raise UsageError(f"nothing ran on a device in {source.name}: rank it --by self or --by total")
    if column not in table.frame or not table.frame[column].sum() > 0:
        raise UsageError(f"{source.name} has no {by} to rank by: rank it --by self, or record it with record_shapes")
    rows = hotspots(table, len(table.frame), column)
    whole = _whole(table, by)
    return Ranking(
        source.cell,
        facts(source),
        by,
        rows.assign(share=rows[column] / whole),
        whole,
        has_device,
        devices(source.recordings),
    )


def compared(before: Source, after: Source) -> Compared:
    """What separates two sides."""
    found = difference([one.session for one in before.recordings], [one.session for one in after.recordings])
    beside = (devices(before.recordings), devices(after.recordings))
    return Compared(before.cell or after.cell, facts(before), facts(after), found, beside)


def facts(source: Source) -> Facts:
    """What the recordings of one side say of themselves; each thing that several say once."""
    abouts = [one.about for one in source.recordings]
    return Facts(
        name=source.name,
        files=tuple(str(one.path) for one in source.recordings),
        traces=len(abouts),
        steps=tuple(about.steps for about in abouts),
        device="; ".join(_distinct(about.device for about in abouts)),
        torch=", ".join(_distinct(about.torch for about in abouts)),
        commit=", ".join(_distinct(about.commit for about in abouts)),
        losses=(
            *(f"{one.path.name}: {loss}" for one in source.recordings for loss in one.about.losses),
            *source.notes,
        ),
    )


def _whole(table: OperatorTable, by: By) -> float:
    return float(table.frame["self_us" if by is By.TOTAL else COLUMNS[by]].sum())


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, texts)))
