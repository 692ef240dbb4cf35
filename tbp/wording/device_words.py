"""Devices, ranks and memory of traces in words, for the terminal and the report alike.

Takes rows of the frames of ``tbp.traces.devices``, gives sentences without their full stop.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tbp.traces.calls.steps import OUTSIDE
from tbp.traces.devices import memory
from tbp.traces.devices.idle import DATA_LOADER, HOST, QUEUE, SYNCHRONISATION
from tbp.traces.devices.per_step import MEAN_DEVICE_COLUMNS, Devices, Skew, Straggler
from tbp.traces.reading.columns import NUMBER
from tbp.wording import words

CAUSES_IN_WORDS = {
    HOST: "the host launches late",
    SYNCHRONISATION: "the host returns from a synchronisation",
    DATA_LOADER: "the host waits for the data loader",
    QUEUE: "launched, not yet begun",
}
SIDES = {HOST: "before", SYNCHRONISATION: "in", DATA_LOADER: "in", QUEUE: "before"}
"""How the operators that a cause is named with stand to the gap."""

MOST_LATE = 8
"""Further late ranks that a sentence names: those of a machine."""

_RANK_NUMBERS = {
    "step": "step_us",
    "busy": "busy_share",
    "idle": "host_bound_share",
    "communication": "communication_us",
    "share": "communication_share",
    "hidden": "hidden_communication_share",
    "waits": "wait_us",
    "clock": "clock_us",
}

LOW_OCCUPANCY = 0.25
"""NVIDIA's guide to occupancy: a quarter of the warps often hides the latency of arithmetic; matrix products reach
their speed with less. Below it a kernel is short of warps, or its grid too small for the device."""


def device_sentence(row: pd.Series) -> str:
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


def by_cause(idle: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Idle time (``idle.IDLE_COLUMNS``) by its cause, the longest first."""
    return sorted(
        ((str(cause), frame) for cause, frame in idle.groupby("cause")),
        key=lambda each: -float(each[1]["total_us"].sum()),
    )


def operators_of_cause(cause: str, frame: pd.DataFrame, whole_us: float, top: int) -> str:
    """``before aten::mm 40 %, aten::add 9.1 %``: the ``top`` operators of a cause, by their parts of all idle time."""
    by_operator = frame.groupby("operator")["total_us"].sum().sort_values(ascending=False, kind="stable")
    shown = [f"{name} {words.percent(float(time) / whole_us)}" for name, time in by_operator.head(top).items()]
    return f"{SIDES[cause]} {', '.join(shown)}"


def numbers_of_cause(frame: pd.DataFrame, whole_us: float) -> tuple[str, str, str]:
    """(time per step, its part of all idle time, gaps) of a cause."""
    total_us, gaps = (float(frame[name].sum()) for name in ("total_us", "gaps"))
    return words.microseconds(total_us), words.percent(total_us / whole_us), words.calls(gaps)


def numbers_of_kernel(row: pd.Series, has_occupancy: bool) -> tuple[str, ...]:
    """(device time, share, calls) of a kernel, with its occupancy where one was recorded of any."""
    time, share = words.microseconds(float(row["total_us"])), words.percent(float(row["share"]))
    occupancy = [words.percent(float(row["occupancy"]))] if has_occupancy else []
    return time, share, words.calls(float(row["calls"])), *occupancy


def titles_of_rank(ranks: pd.DataFrame) -> tuple[str, ...]:
    """The titles of ``numbers_of_rank``: with a device busy and idle, with collectives in common waits and clocks."""
    on_device = ("busy", "idle") if ranks["busy_share"].notna().any() else ()
    compared = ("waits", "clock") if ranks["wait_us"].notna().any() else ()
    return "step", *on_device, "communication", "share", "hidden", *compared


def numbers_of_rank(row: pd.Series, titles: Sequence[str]) -> tuple[str, ...]:
    """The step of a rank, its communication, waits and clock, as far as ``titles`` name them."""
    number = {name: float(row[column]) for name, column in _RANK_NUMBERS.items()}
    texts = {name: words.microseconds(number[name]) for name in ("step", "communication", "waits")}
    texts |= {name: words.percent(number[name]) for name in ("busy", "idle", "share", "hidden")}
    texts["clock"] = words.signed_microseconds(number["clock"])
    return tuple(texts[title] for title in titles)


def median_rank(ranks: pd.DataFrame) -> pd.Series:
    """The medians over all ranks, as one more row of them."""
    return ranks[list(_RANK_NUMBERS.values())].median()


def occupancy_sentence(kernels: pd.DataFrame) -> str:
    """The part of kernel time with a LOW_OCCUPANCY; empty where no occupancy was recorded."""
    known = kernels[kernels["occupancy"].notna()]
    whole_us = float(known["total_us"].sum())
    if not whole_us:
        return ""
    low = words.percent(float(known.loc[known["occupancy"] < LOW_OCCUPANCY, "total_us"].sum()) / whole_us)
    return f"Of the time of kernels with a known occupancy {low} is below {words.percent(LOW_OCCUPANCY)}"


def ranks_sentence(view: Devices) -> str:
    """``3 ranks of one run (gloo)``."""
    runs = "one run" if view.runs == 1 else f"{view.runs} runs"
    return f"{len(view.ranks)} ranks of {runs} ({view.backend or 'no backend named'})"


def straggler_sentence(late: Straggler) -> str:
    """The rank that the others wait for, by its time without its own waits, and the further ones that are late."""
    work, usual = words.microseconds(late.work_us), words.microseconds(late.usual_us)
    also = f", and for {words.named([*map(str, late.also)], MOST_LATE)}" if late.also else ""
    without = "waits" if late.collectives else "communication"
    sentence = f"The others wait for rank {late.rank}{also}: without {without} its step takes {work}, theirs {usual}"
    if late.collectives:
        sentence += f"; it is last at {late.last:,} of {words.count(late.collectives, 'collective')}"
    longer = [f"{each.operator} {words.signed_microseconds(each.delta_us)}" for each in late.operators]
    return f"{sentence}; longer on its {late.operators[0].clock}: {', '.join(longer)}" if longer else sentence


def skew_sentence(skew: Skew) -> str:
    """How far ranks arrive apart at a collective, and how far their clocks are."""
    arrival, clock, ends = (words.microseconds(value) for value in (skew.arrival_us, skew.clock_us, skew.ends_us))
    return (
        f"Ranks arrive {arrival} apart at a collective, mean of {skew.collectives:,}; "
        f"by its end their clocks differ by up to {clock}, ± {ends}"
    )


def memory_of(peak: pd.Series) -> str:
    """``the host``, ``device 0``: the device of a peak."""
    return "the host" if peak["device"] == memory.HOST else f"device {peak['device']}"


def memory_sentence(peak: pd.Series) -> str:
    """``Memory of device 0: peak 117 MiB at 9.84 ms in step 1, in aten::sum (Net_0/Linear_1); …``."""
    size, before, end, growth = (
        words.quantity(float(peak[f"{name}_bytes"]), "bytes") for name in ("peak", "before", "end", "growth")
    )
    is_total = float(peak["before_bytes"]) == float(peak["before_bytes"])
    step = "outside of steps" if peak["step"] == OUTSIDE else f"in step {peak['step'] + 1}"
    operator = peak["operator"] if peak["operator"] == memory.NO_OPERATOR else f"in {peak['operator']}"
    module = f" of {peak['module']}" if peak["module"] else ""
    time = words.microseconds(float(peak["peak_us"]))
    text = f"Memory of {memory_of(peak)}: peak {size}, {time} after the first allocation, {step}, {operator}{module}; "
    text += f"{before} before and {end} after" if is_total else "without what was allocated before the trace"
    return text + (f"; it grows by {growth} a step" if peak["growth_bytes"] > 0 else "")
