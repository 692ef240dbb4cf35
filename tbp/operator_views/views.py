"""Recordings → ranked operators, or the difference of two sides with its exact part apart.

Takes sources that are read already, gives checked frames with the facts above them. Reads and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import pandas as pd
from msgspec import Struct

from tbp.asv.stored_traces import Cells, TraceSource
from tbp.errors import UsageError
from tbp.traces.calls.generated import generated
from tbp.traces.devices.memory import MemoryUse
from tbp.traces.devices.per_step import Devices, devices
from tbp.traces.devices.ranks import largest_memory
from tbp.traces.differences.difference import TraceDifference, difference
from tbp.traces.differences.order import by_time_lost
from tbp.traces.differences.typical import typical_frames, typical_table
from tbp.traces.frames.groups import by_line, by_module, by_region
from tbp.traces.operators.one_run import one_a_run
from tbp.traces.operators.operators import FLOPS, merged_table
from tbp.traces.operators.rates import with_rates


class By(StrEnum):
    """The quantity that operators are ranked by."""

    SELF = "self"
    DEVICE = "device"
    TOTAL = "total"
    FLOPS = "flops"
    MEMORY = "memory"  # bytes allocated


class Order(StrEnum):
    """The order of a difference's operators."""

    CHANGE = "change"  # the largest change first, for better or worse; what is certain stands apart
    LOST = "lost"  # the most time lost first


class Group(StrEnum):
    """The thing that is ranked."""

    OPERATOR = "operator"
    MODULE = "module"  # by the path of nn.Modules around it
    LINE = "line"  # by the Python function around it that is not torch's
    REGION = "region"  # by the region of torch.compile around it


COLUMNS = {By.SELF: "self_us", By.DEVICE: "self_device_us", By.TOTAL: "total_us", By.FLOPS: FLOPS}
COLUMNS |= {By.MEMORY: "allocated_bytes"}
BACKWARD = {By.SELF: "self_backward_us", By.DEVICE: "self_device_backward_us", By.TOTAL: "total_backward_us"}


class Facts(Struct, frozen=True):
    """The facts that stand above the numbers of one side."""

    name: str  # file or commit
    files: tuple[str, ...]
    traces: int
    steps: tuple[int, ...]  # of each trace; 0 where it marks none
    device: str
    torch: str
    commit: str  # recorded in the traces
    losses: tuple[str, ...]  # sentences on what could not be read


class Ranking(Struct, frozen=True):
    """``rows`` is the operator table, largest first, with ``share``, the part of ``whole`` (0 to 1).

    ``whole`` is the sum over all operators; for total times, which contain each other, it is the step's host time.
    Operators have ``rates.RATE_COLUMNS`` and "fuses" too. Of modules and lines ``rows`` has ``groups.GROUP_COLUMNS``.
    """

    cell: str
    facts: Facts
    by: By
    rows: pd.DataFrame
    whole: float  # µs per step, or FLOPs
    has_device: bool
    devices: Devices | None  # None where nothing ran on a device, or only operator tables are left
    group: Group = Group.OPERATOR
    memory: MemoryUse | None = None  # of the recording with the largest peak


class Compared(Struct, frozen=True):
    """Two sides of one cell."""

    cell: str
    before: Facts
    after: Facts
    difference: TraceDifference
    devices: tuple[Devices | None, Devices | None]  # before, after
    by: Order = Order.CHANGE

    @property
    def rows(self) -> pd.DataFrame:
        """``difference.ROW_COLUMNS`` in this order."""
        return by_time_lost(self.difference.rows) if self.by is Order.LOST else self.difference.rows


def views_of(cells: Cells, by: str | None, group: str = Group.OPERATOR) -> list[Ranking] | list[Compared]:
    """The ranking of each cell by ``by``, or its difference in that order where ``cells`` have two sides.

    ``group`` says what is ranked.

    Raises:
        UsageError: the traces do not have the quantity.
    """
    if any(len(sides) == 2 for sides in cells):
        return [compared(before, after, Order(by or Order.CHANGE)) for before, after in cells]
    return [ranking(source, By(by) if by else None, Group(group)) for (source,) in cells]


def ranking(source: TraceSource, by: By | None = None, group: Group = Group.OPERATOR) -> Ranking:
    """The operators of one cell, ranked ``by`` a quantity; by default device time where there is any, else self time.

    Calls and self times are those of the median step, as on the page of the benchmark. By total time all are means over
    the steps, as the totals of single steps are not known.

    Raises:
        UsageError: the traces do not have the quantity, or no modules or functions.
    """
    sessions = one_a_run(source.sessions)
    table = merged_table([session.table for session in sessions]) if by is By.TOTAL else typical_table(sessions)
    has_device = bool(table.frame["self_device_us"].sum() > 0)
    by = by or (By.DEVICE if has_device else By.SELF)
    frame = _groups(source, group) if group is not Group.OPERATOR else _told(table.frame)
    column = COLUMNS[by]
    if by is By.DEVICE and not has_device:
        raise UsageError(f"nothing ran on a device in {source.name}: use --by self or --by total")
    if by is By.MEMORY and (column not in frame or not frame[column].sum() > 0):
        raise UsageError(f"{source.name} has no memory to rank by: record it with profile_memory=True")
    if column not in frame or not frame[column].sum() > 0:
        raise UsageError(f"{source.name} has no {by} to rank by: use --by self, or record the trace with record_shapes")
    rows = frame.sort_values([column, "operator"], ascending=[False, True], kind="stable", ignore_index=True)
    whole = float(frame["self_us" if by is By.TOTAL else column].sum())
    return Ranking(
        source.cell,
        facts(source),
        by,
        rows.assign(share=rows[column] / whole),
        whole,
        has_device,
        devices(source.ranks),
        group,
        largest_memory(source.ranks),
    )


def _told(frame: pd.DataFrame) -> pd.DataFrame:
    """Operators with what can be told from their columns: rates, and the operators that a generated kernel fuses."""
    return with_rates(frame).assign(fuses=fused(frame["operator"]))


def fused(names: pd.Series[str]) -> pd.Series[str]:
    """A sentence for each kernel that Inductor generated, "" for all others."""
    kernels = [generated(name) for name in names]
    return pd.Series([kernel.sentence if kernel else "" for kernel in kernels], index=names.index, dtype=object)


def compared(before: TraceSource, after: TraceSource, by: Order = Order.CHANGE) -> Compared:
    """The difference of two sides."""
    measured = difference(before.sessions, after.sessions)
    beside = (devices(before.ranks), devices(after.ranks))
    return Compared(before.cell or after.cell, facts(before), facts(after), measured, beside, by)


def facts(source: TraceSource) -> Facts:
    """The facts that the recordings of one side carry; a fact of several recordings stands there once."""
    abouts = [recording.about for recording in source.recordings]
    return Facts(
        name=source.name,
        files=tuple(str(recording.path) for recording in source.recordings),
        traces=len(abouts),
        steps=tuple(about.steps for about in abouts),
        device="; ".join(_distinct(about.device for about in abouts)),
        torch=", ".join(_distinct(about.torch for about in abouts)),
        commit=", ".join(_distinct(about.commit for about in abouts)),
        losses=(
            *(f"{recording.path.name}: {loss}" for recording in source.recordings for loss in recording.about.losses),
            *source.notes,
        ),
    )


def _groups(source: TraceSource, group: Group) -> pd.DataFrame:
    frames = typical_frames(one_a_run(source.sessions))
    grouped, missing, advice = {
        Group.MODULE: (by_module, "nn.Module", "record it with with_stack=True"),
        Group.LINE: (by_line, "Python function", "record it with with_stack=True"),
        Group.REGION: (by_region, "region of torch.compile", "record a compiled model"),
    }[group]
    rows = grouped(frames) if frames is not None else None
    if rows is None or not len(rows):
        raise UsageError(f"{source.name} has no {missing} to group by: {advice}")
    return rows


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, texts)))
