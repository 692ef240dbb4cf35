"""What the devices did, as lines of text for a terminal: each device, its longest kernels, and the ranks of a run.

Takes ``Devices``, gives lines no wider than asked. The names in them are whatever a trace says: ``aligned`` and
``wrapped`` make them harmless.
"""

from __future__ import annotations

import pandas as pd

from tbp.hotspots.devices import MEAN_DEVICE_COLUMNS, Devices
from tbp.traces.calls.kernels import REST
from tbp.traces.reading.columns import NUMBER
from tbp.wording import words
from tbp.wording.terminal import aligned, wrapped

MOST_KERNELS = 5  # unless the command line says otherwise: the operators above them are the answer, these its detail
MOST_RANKS = 16  # rows: two nodes
MOST_DEVICES = 8


def device_lines(view: Devices, *, top: int | None, width: int) -> list[str]:
    """Each part behind an empty line."""
    together = len(view.ranks) > 1
    return [
        *(_ranks(view, width) if together else _devices(view, width)),
        *_kernels(view, top or MOST_KERNELS, width),
    ]


def busy_sentence(view: Devices | None) -> str:
    """``busy 56 %, waiting for the host 44 %``: the mean over the devices; empty where there is none."""
    if view is None:
        return ""
    busy, waiting = (float(view.devices[name].mean()) for name in ("busy_share", "host_bound_share"))
    return f"busy {words.percent(busy)}, waiting for the host {words.percent(waiting)}"


def _devices(view: Devices, width: int) -> list[str]:
    lines = [""]
    for _, row in view.devices.head(MOST_DEVICES).iterrows():
        lines += wrapped(_device(row), width, "", "  ")
    if len(view.devices) > MOST_DEVICES:
        lines.append(f"… and {words.count(len(view.devices) - MOST_DEVICES, 'more device')}")
    if len(view.ranks):
        rank = int(view.ranks["rank"].iloc[0])
        others = f"rank {rank} of {view.world_size:,} of a distributed run ({view.backend or 'no backend named'})"
        lines += wrapped(f"This is {others}; a folder or quoted pattern of its files shows the ranks together", width)
    return lines


def _device(row: pd.Series) -> str:
    """``Device 0: busy 24 % of the time, waiting for the host 76 %; per step kernels 54.2 ms in 900 launches, …``."""
    number = {name: float(row[name]) for name, kind in MEAN_DEVICE_COLUMNS.items() if kind == NUMBER}
    parts = [_part("kernels", number["kernel_us"], number["kernels"], "launch", "launches")]
    for what, one in (("copies", "copy"), ("fills", "fill")):
        if number[what]:
            size = number["copied_bytes" if what == "copies" else "filled_bytes"]
            sized = f" of {words.quantity(size, 'bytes')}" if size == size else ""
            parts.append(_part(what, number[f"{one}_us"], number[what], one, what) + sized)
    busy, waiting = (words.percent(number[f"{name}_share"]) for name in ("busy", "host_bound"))
    said = f"busy {busy} of the time, waiting for the host {waiting}; per step {', '.join(parts)}"
    if number["communication_us"]:
        said += (
            f"; communication {words.microseconds(number['communication_us'])} of it "
            f"({words.percent(number['communication_share'])} of the device's time), "
            f"{words.microseconds(number['exposed_communication_us'])} with nothing else running"
        )
    return f"Device {row['device']}: {said}"


def _part(what: str, time_us: float, count: float, one: str, many: str) -> str:
    return f"{what} {words.microseconds(time_us)} in {words.calls(count)} {one if count == 1 else many}"


def _kernels(view: Devices, top: int, width: int) -> list[str]:
    shown = view.kernels.head(top)
    cells = [
        (
            str(row["kernel"]),
            words.microseconds(float(row["total_us"])),
            words.percent(float(row["share"])),
            words.calls(float(row["calls"])),
        )
        for _, row in shown.iterrows()
    ]
    head, *body = aligned([("kernel", "device time", "share", "calls"), *cells], width)
    lines = ["", head]
    for line, operator in zip(body, shown["operator"], strict=True):
        lines += [line, *wrapped(operator if operator in REST else f"of {operator}", width, "    ")]
    left = view.kernels.iloc[top:]
    if len(left):
        lines.append(f"… and {words.count(len(left), 'more kernel')}: {words.percent(float(left['share'].sum()))}")
    return lines


def _ranks(view: Devices, width: int) -> list[str]:
    """A row per rank; what stands out is for the reader to see: the slowest step, the longest wait."""
    runs = "one run" if view.runs == 1 else f"{view.runs} runs"
    title = f"{len(view.ranks)} ranks of {runs} ({view.backend or 'no backend named'})"
    if view.missing:
        title += f"; without a trace: {_listed(view.missing)}"
    cells = [_rank(row, view.runs > 1) for _, row in view.ranks.head(MOST_RANKS).iterrows()]
    titles = ("rank", "step", "busy", "waiting", "communication", "share", "alone")
    lines = ["", *wrapped(title, width), *aligned([titles, *cells], width)]
    if len(view.ranks) > MOST_RANKS:
        lines.append(f"… and {words.count(len(view.ranks) - MOST_RANKS, 'more rank')} (--json has them)")
    return lines


def _rank(row: pd.Series, with_run: bool) -> tuple[str, ...]:
    name = f"{row['rank']}" + (f" (run {row['run'] + 1})" if with_run else "")
    return (
        name,
        words.microseconds(float(row["step_us"])),
        words.percent(float(row["busy_share"])),
        words.percent(float(row["host_bound_share"])),
        words.microseconds(float(row["communication_us"])),
        words.percent(float(row["communication_share"])),
        words.microseconds(float(row["exposed_communication_us"])),
    )


def _listed(ranks: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, ranks[:MOST_RANKS]))
    return shown if len(ranks) <= MOST_RANKS else f"{shown} and {len(ranks) - MOST_RANKS:,} more"
