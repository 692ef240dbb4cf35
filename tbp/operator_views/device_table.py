"""The devices of a trace, for a terminal: each device, its longest kernels, and the ranks of a run.

Takes ``Devices``, gives paragraphs and rows of ``tbp.wording.terminal``.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from tbp.traces.calls.generated import generated
from tbp.traces.calls.kernels import REST
from tbp.traces.devices.per_step import Devices
from tbp.wording import words
from tbp.wording.device_words import (
    CAUSES_IN_WORDS,
    by_cause,
    device_sentence,
    numbers_of_cause,
    numbers_of_kernel,
    numbers_of_rank,
    occupancy_sentence,
    operators_of_cause,
    ranks_sentence,
    straggler_sentence,
)
from tbp.wording.terminal import Paragraph, TextRows

MOST_KERNELS = 5  # unless the command line says otherwise: the operators above them are the answer, these its detail
MOST_GAPS = 4
MOST_RANKS = 16  # rows: two nodes
MOST_DEVICES = 8


def device_parts(view: Devices, top: int | None) -> Iterator[RenderableType]:
    """Each part behind an empty line."""
    yield from _ranks(view) if len(view.ranks) > 1 else _devices(view)
    if len(view.devices):
        yield from _idle(view, top or MOST_GAPS)
        yield from _kernels(view, top or MOST_KERNELS)


def busy_sentence(view: Devices | None) -> str:
    """``busy 56 %, idle 44 %``: the mean over the devices; empty where there is none."""
    if view is None or not len(view.devices):
        return ""
    busy, idle = (float(view.devices[name].mean()) for name in ("busy_share", "host_bound_share"))
    return f"busy {words.percent(busy)}, idle {words.percent(idle)}"


def _devices(view: Devices) -> Iterator[RenderableType]:
    if len(view.devices):
        yield ""
    for _, row in view.devices.head(MOST_DEVICES).iterrows():
        yield Paragraph(device_sentence(row), "", "  ")
    if len(view.devices) > MOST_DEVICES:
        yield f"… and {words.count(len(view.devices) - MOST_DEVICES, 'more device')}"
    if len(view.ranks):
        rank = int(view.ranks["rank"].iloc[0])
        run = f"rank {rank} of {view.world_size:,} of a distributed run ({view.backend or 'no backend named'})"
        yield Paragraph(f"This is {run}; a folder or quoted pattern of its files shows the ranks together")


def _idle(view: Devices, top: int) -> Iterator[RenderableType]:
    """The causes of idle time, each with the operators that it stands before or behind."""
    whole_us = float(view.idle["total_us"].sum())
    if not whole_us:
        return
    yield ""
    rows = TextRows()
    rows.add("idle", "time", "share", "gaps")
    for cause, frame in by_cause(view.idle):
        rows.add(CAUSES_IN_WORDS[cause], *numbers_of_cause(frame, whole_us))
        rows.below(Paragraph(operators_of_cause(cause, frame, whole_us, top), "    "))
    yield rows


def _kernels(view: Devices, top: int) -> Iterator[RenderableType]:
    yield ""
    rows = TextRows()
    known = view.kernels[view.kernels["occupancy"].notna()]
    rows.add("kernel", "device time", "share", "calls", *(["occupancy"] if len(known) else []))
    for _, row in view.kernels.head(top).iterrows():
        rows.add(str(row["kernel"]), *numbers_of_kernel(row, len(known) > 0))
        operator = str(row["operator"])
        rows.below(Paragraph(operator if operator in REST else f"of {operator}", "    "))
        if kernel := generated(str(row["kernel"])):
            rows.below(Paragraph(kernel.sentence, "    "))
    yield rows
    left = view.kernels.iloc[top:]
    if len(left):
        yield f"… and {words.count(len(left), 'more kernel')}: {words.percent(float(left['share'].sum()))}"
    if sentence := occupancy_sentence(view.kernels):
        yield Paragraph(sentence)


def _ranks(view: Devices) -> Iterator[RenderableType]:
    """A row per rank; what stands out is for the reader to see: the slowest step, the longest wait."""
    title = ranks_sentence(view)
    if view.missing:
        title += f"; without a trace: {words.named([*map(str, view.missing)], MOST_RANKS)}"
    rows = TextRows()
    on_device = bool(view.ranks["busy_share"].notna().any())
    rows.add("rank", "step", *(("busy", "idle") if on_device else ()), "communication", "share", "alone")
    for _, row in view.ranks.head(MOST_RANKS).iterrows():
        run = f" (run {row['run'] + 1})" if view.runs > 1 else ""
        rows.add(f"{row['rank']}{run}", *numbers_of_rank(row, on_device))
    yield from ("", Paragraph(title), rows)
    if (late := view.straggler) is not None:
        yield Paragraph(straggler_sentence(late))
    if len(view.ranks) > MOST_RANKS:
        yield f"… and {words.count(len(view.ranks) - MOST_RANKS, 'more rank')} (--json has them)"
