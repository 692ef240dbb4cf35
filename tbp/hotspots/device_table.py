"""The devices of a trace, for a terminal: each device, its longest kernels, and the ranks of a run.

Takes ``Devices``, gives paragraphs and rows of ``tbp.wording.terminal``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from rich.console import RenderableType

from tbp.hotspots.devices import MEAN_DEVICE_COLUMNS, Devices
from tbp.traces.calls.generated import generated
from tbp.traces.calls.kernels import REST
from tbp.traces.devices.idle import DATA_LOADER, HOST, QUEUE, SYNCHRONISATION
from tbp.traces.reading.columns import NUMBER
from tbp.wording import words
from tbp.wording.terminal import Paragraph, TextRows

MOST_KERNELS = 5  # unless the command line says otherwise: the operators above them are the answer, these its detail
MOST_GAPS = 4
MOST_RANKS = 16  # rows: two nodes
MOST_DEVICES = 8
# NVIDIA's guide to occupancy: a quarter of the warps often hides the latency of arithmetic; matrix products reach their
# speed with less. Below it a kernel is short of warps, or its grid too small for the device.
LOW_OCCUPANCY = 0.25
CAUSES_IN_WORDS = {
    HOST: "the host launches late",
    SYNCHRONISATION: "the host returns from a synchronisation",
    DATA_LOADER: "the host waits for the data loader",
    QUEUE: "launched, not yet begun",
}
SIDES = {HOST: "before", SYNCHRONISATION: "in", DATA_LOADER: "in", QUEUE: "before"}


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
        yield Paragraph(_device(row), "", "  ")
    if len(view.devices) > MOST_DEVICES:
        yield f"… and {words.count(len(view.devices) - MOST_DEVICES, 'more device')}"
    if len(view.ranks):
        rank = int(view.ranks["rank"].iloc[0])
        run = f"rank {rank} of {view.world_size:,} of a distributed run ({view.backend or 'no backend named'})"
        yield Paragraph(f"This is {run}; a folder or quoted pattern of its files shows the ranks together")


def _device(row: pd.Series) -> str:
    """``Device 0: busy 24 % of the time, idle 76 %; per step kernels 54.2 ms in 900 launches, …``."""
    number = {name: float(row[name]) for name, kind in MEAN_DEVICE_COLUMNS.items() if kind == NUMBER}
    parts = [_part("kernels", number["kernel_us"], number["kernels"], "launch", "launches")]
    for singular, plural, size in (("copy", "copies", "copied_bytes"), ("fill", "fills", "filled_bytes")):
        if number[plural]:
            sized = f" of {words.quantity(number[size], 'bytes')}" if number[size] == number[size] else ""
            parts.append(_part(plural, number[f"{singular}_us"], number[plural], singular, plural) + sized)
    busy, idle = (words.percent(number[f"{name}_share"]) for name in ("busy", "host_bound"))
    sentence = f"busy {busy} of the time, idle {idle}; per step {', '.join(parts)}"
    if number["communication_us"]:
        sentence += (
            f"; communication {words.microseconds(number['communication_us'])} of it "
            f"({words.percent(number['communication_share'])} of the device's time), "
            f"{words.microseconds(number['exposed_communication_us'])} with nothing else running"
        )
    return f"Device {row['device']}: {sentence}"


def _part(work: str, time_us: float, count: float, singular: str, plural: str) -> str:
    return f"{work} {words.microseconds(time_us)} in {words.calls(count)} {singular if count == 1 else plural}"


def _idle(view: Devices, top: int) -> Iterator[RenderableType]:
    """The causes of idle time, each with the operators that it stands before or behind."""
    whole_us = float(view.idle["total_us"].sum())
    if not whole_us:
        return
    yield ""
    rows = TextRows()
    rows.add("idle", "time", "share", "gaps")
    for cause, frame in sorted(view.idle.groupby("cause"), key=lambda each: -float(each[1]["total_us"].sum())):
        total_us, gaps = (float(frame[name].sum()) for name in ("total_us", "gaps"))
        rows.add(
            CAUSES_IN_WORDS[str(cause)],
            words.microseconds(total_us),
            words.percent(total_us / whole_us),
            words.calls(gaps),
        )
        by_operator = frame.groupby("operator")["total_us"].sum().sort_values(ascending=False, kind="stable")
        shown = [f"{name} {words.percent(float(time) / whole_us)}" for name, time in by_operator.head(top).items()]
        rows.below(Paragraph(f"{SIDES[str(cause)]} {', '.join(shown)}", "    "))
    yield rows


def _kernels(view: Devices, top: int) -> Iterator[RenderableType]:
    yield ""
    rows = TextRows()
    known = view.kernels[view.kernels["occupancy"].notna()]
    rows.add("kernel", "device time", "share", "calls", *(["occupancy"] if len(known) else []))
    for _, row in view.kernels.head(top).iterrows():
        time, share = words.microseconds(float(row["total_us"])), words.percent(float(row["share"]))
        occupancy = [words.percent(float(row["occupancy"]))] if len(known) else []
        rows.add(str(row["kernel"]), time, share, words.calls(float(row["calls"])), *occupancy)
        operator = str(row["operator"])
        rows.below(Paragraph(operator if operator in REST else f"of {operator}", "    "))
        if kernel := generated(str(row["kernel"])):
            rows.below(Paragraph(kernel.sentence, "    "))
    yield rows
    left = view.kernels.iloc[top:]
    if len(left):
        yield f"… and {words.count(len(left), 'more kernel')}: {words.percent(float(left['share'].sum()))}"
    if len(known):
        low = float(known.loc[known["occupancy"] < LOW_OCCUPANCY, "total_us"].sum()) / float(known["total_us"].sum())
        bound = words.percent(LOW_OCCUPANCY)
        yield Paragraph(f"Of the time of kernels with a known occupancy {words.percent(low)} is below {bound}")


def _ranks(view: Devices) -> Iterator[RenderableType]:
    """A row per rank; what stands out is for the reader to see: the slowest step, the longest wait."""
    runs = "one run" if view.runs == 1 else f"{view.runs} runs"
    title = f"{len(view.ranks)} ranks of {runs} ({view.backend or 'no backend named'})"
    if view.missing:
        title += f"; without a trace: {words.named([*map(str, view.missing)], MOST_RANKS)}"
    rows = TextRows()
    on_device = bool(view.ranks["busy_share"].notna().any())
    rows.add("rank", "step", *(("busy", "idle") if on_device else ()), "communication", "share", "alone")
    for _, row in view.ranks.head(MOST_RANKS).iterrows():
        rows.add(*_rank(row, view.runs > 1, on_device))
    yield from ("", Paragraph(title), rows)
    if (late := view.straggler) is not None:
        work, usual = words.microseconds(late.work_us), words.microseconds(late.usual_us)
        yield Paragraph(
            f"The others wait for rank {late.rank}: without communication its step takes {work}, theirs {usual}"
        )
    if len(view.ranks) > MOST_RANKS:
        yield f"… and {words.count(len(view.ranks) - MOST_RANKS, 'more rank')} (--json has them)"


def _rank(row: pd.Series, with_run: bool, on_device: bool) -> tuple[str, ...]:
    name = f"{row['rank']}" + (f" (run {row['run'] + 1})" if with_run else "")
    return (
        name,
        words.microseconds(float(row["step_us"])),
        *([words.percent(float(row[name])) for name in ("busy_share", "host_bound_share")] if on_device else []),
        words.microseconds(float(row["communication_us"])),
        words.percent(float(row["communication_share"])),
        words.microseconds(float(row["exposed_communication_us"])),
    )
