"""Flame graphs as data: what ``static/charts/flame.js`` draws, and the top of each as rows for a page without scripts.

Takes the frames of a series' newest traces and of its changes, gives words, rows and payloads; merging and comparing
frames belongs to ``tbp.traces``, the HTML to ``templates/flame.html``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from msgspec import Struct

from tbp.model.changes import ChangeEvidence, History
from tbp.report.parts import addresses
from tbp.report.parts.flame_rows import LEAST_ROW_SHARE, FlameRow, called, rows_of, rows_of_difference
from tbp.system.arrays import Floats
from tbp.traces.calls.nesting import NO_PARENT
from tbp.traces.differences.difference import NAMED_MACHINE, TraceDifference
from tbp.traces.differences.frame_difference import FASTER, GONE, NEW, SAME, SLOWER, FrameDifference, Marks, marks
from tbp.traces.frames.frames import Frames
from tbp.traces.frames.kinds import ANNOTATION, DEVICE, MODULE, OPERATOR, PYTHON, REST_OF_DEVICE, RUNTIME, SMALLER
from tbp.traces.reading.trace import NS_PER_US
from tbp.wording import words

CLOCKS = ("host", "device")

# Threads that run at once add up to more than the step; below 1 % it is rounding and the edges of events.
OVERLAP = 1.01

# A letter for each frame, a capital where the change is certain.
MARKS = {SAME: ".", NEW: "n", GONE: "g", SLOWER: "s", FASTER: "f"}
KINDS = {
    OPERATOR: "o",
    ANNOTATION: "a",
    RUNTIME: "r",
    PYTHON: "p",
    MODULE: "l",
    DEVICE: "d",
    REST_OF_DEVICE: "x",
    SMALLER: "m",
}


class Flame(Struct, frozen=True):
    """One flame graph. ``payload`` is for ``script_call("tbp.flame", …)`` in ``data_file``."""

    id: str
    data_file: str  # of the series: it may hold several
    title: str
    caption: str
    clock: str  # shown first: "host" or "device"
    has_device: bool
    is_difference: bool
    gone: bool  # whether frames can be shown that are no longer there
    rows: tuple[FlameRow, ...]
    rows_note: str  # which rows those are
    payload: dict[str, object]


class FlameSection(Struct, frozen=True):
    title: str
    facts: tuple[str, ...]  # sentences above the graph
    flame: Flame


class FlameAddress(Struct, frozen=True):
    """The id and data file of a flame graph."""

    id: str  # unlike any other's on its page
    data_file: str = ""  # relative to the site; empty where the page holds the data itself


def newest_flame(history: History) -> Flame | None:
    """The flame graph of the newest commit with a trace; None where no frames are at hand."""
    frames = history.frames
    if frames is None or not len(frames.rows):
        return None
    return flame(frames, FlameAddress(f"{addresses.anchor(history.key)}-now", data_file(history)))


def change_flame(history: History, evidence: ChangeEvidence) -> Flame | None:
    """The flame graph of a change with traces on both sides; None where no frames are at hand."""
    frames, difference = evidence.frames, evidence.difference
    if frames is None or difference is None or not len(frames.rows):
        return None
    address = FlameAddress(f"{addresses.anchor(history.key)}-{evidence.change.index}", data_file(history))
    return difference_flame(frames, difference, address)


def flame(frames: Frames, address: FlameAddress) -> Flame:
    """The frames of one side, at least one."""
    clock = "device" if _has_device(frames.rows["device_ns"]) else "host"
    return Flame(
        id=address.id,
        data_file=address.data_file,
        title="Flame graph",
        caption=_caption(frames, clock),
        clock=clock,
        has_device=clock == "device",
        is_difference=False,
        gone=False,
        rows=rows_of(frames, clock),
        rows_note=f"frames of at least {LEAST_ROW_SHARE * 100:.0f} %",
        payload=_payload(address.id, frames, clock),
    )


def difference_flame(frames: FrameDifference, difference: TraceDifference, address: FlameAddress) -> Flame:
    """The flame graph of what the frames of two sides differ in; ``difference`` is that of the same sessions."""
    has_device = _has_device(frames.rows["device_after_us"]) or _has_device(frames.rows["device_before_us"])
    what_moved = {clock: marks_on(frames, difference, clock) for clock in CLOCKS}
    return Flame(
        id=address.id,
        data_file=address.data_file,
        title="Flame graph, coloured by change",
        caption=_difference_caption(frames, difference),
        clock=difference.clock,
        has_device=has_device,
        is_difference=True,
        gone=any(GONE in moved.kind for moved in what_moved.values()),
        rows=rows_of_difference(frames, difference.clock, what_moved[difference.clock]),
        rows_note=f"frames of at least {LEAST_ROW_SHARE * 100:.0f} %, and what certainly changed",
        payload=_difference_payload(address.id, frames, difference, what_moved),
    )


def data_file(history: History) -> str:
    """The flame graphs of a series, relative to the site."""
    slug = addresses.slug(history.key.benchmark)
    return f"data/{slug}.{addresses.anchor(history.key)}.flame.js"


def _caption(frames: Frames, clock: str) -> str:
    steps = words.count(frames.steps, "traced step") if frames.sessions == 1 else f"{frames.sessions} traced sessions"
    top_us = float(frames.total_ns()[frames.parent == NO_PARENT].sum()) / frames.steps / NS_PER_US
    caption = (
        f"Who called whom in the median step of {steps}."
        if frames.step_ns
        else "Who called whom; no steps are marked, so that all of it counts as one.",
        "Width is kernel time." if clock == "device" else "Width is time on the host.",
        "Tracing makes steps longer: compare shares.",
        _overlap(top_us, frames.step_ns / frames.steps / NS_PER_US),
    )
    return " ".join(filter(None, caption))


def _overlap(top_us: float, step_us: float) -> str:
    if not step_us or top_us <= OVERLAP * step_us:
        return ""
    return (
        f"On the host threads ran at once: together they took {words.microseconds(top_us)} in a step of "
        f"{words.microseconds(step_us)}."
    )


def _difference_caption(frames: FrameDifference, difference: TraceDifference) -> str:
    sentences = [
        "Width is the time after, in the median traced step, as in the table of operators.",
    ]
    if abs(difference.machine_factor - 1) >= NAMED_MACHINE:
        sentences.append(
            f"Operators that did not change took {difference.machine_factor:.2f} × their time: "
            "only what goes beyond that is coloured."
        )
    sentences.append(_overlap(frames.total_us("after")[frames.parent == NO_PARENT].sum(), frames.step_after_us))
    return " ".join(filter(None, sentences))


def marks_on(frames: FrameDifference, difference: TraceDifference, clock: str) -> Marks:
    """The marks of frames on one clock.

    Times are judged on the clock of the difference only; on the other one new calls alone are certain.
    """
    rows = difference.rows
    judged = clock == difference.clock
    timed = rows["kind"] == "time"
    sure = rows["certain"] if judged else rows["certain"] & ~timed
    moved = np.sign(np.where(timed, rows["delta_us"], rows["calls_after"] - rows["calls_before"]))
    certain = {
        str(name): int(sign) for name, sign, is_sure in zip(rows["operator"], moved, sure, strict=True) if is_sure
    }
    factor = difference.machine_factor if judged else 1.0
    return marks(frames, clock, factor, certain)


def _has_device(column: object) -> bool:
    return bool(np.asarray(column).sum() > 0)


def _payload(flame_id: str, frames: Frames, clock: str) -> dict[str, object]:
    calls, self_ns, device_ns = (
        frames.rows[column].to_numpy(dtype=np.float64) / frames.steps for column in ("calls", "self_ns", "device_ns")
    )
    side = _side(calls, self_ns, device_ns, frames.step_ns / frames.steps)
    return {"id": flame_id, "clock": clock, **_tree(frames.rows), **side}


def _difference_payload(
    flame_id: str, frames: FrameDifference, difference: TraceDifference, what_moved: dict[str, Marks]
) -> dict[str, object]:
    def side(when: str, step_us: float) -> dict[str, object]:
        calls, self_us, device_us = (
            frames.rows[f"{column}_{when}{unit}"].to_numpy(dtype=np.float64)
            for column, unit in (("calls", ""), ("self", "_us"), ("device", "_us"))
        )
        return _side(calls, self_us * NS_PER_US, device_us * NS_PER_US, step_us * NS_PER_US)

    return {
        "id": flame_id,
        "clock": difference.clock,
        **_tree(frames.rows),
        **side("after", frames.step_after_us),
        "before": side("before", frames.step_before_us),
        "marks": {clock: _letters(moved) for clock, moved in what_moved.items()},
        "factor": round(difference.machine_factor, 4),
        "judged": difference.clock,
    }


def _side(calls: Floats, host_ns: Floats, device_ns: Floats, step_ns: float) -> dict[str, object]:
    host, device = _nanoseconds(host_ns), _nanoseconds(device_ns)
    return {"calls": _compact(calls), "host": host, "device": device, "step": round(step_ns)}


def _tree(rows: pd.DataFrame) -> dict[str, object]:
    """The frames without their numbers: each distinct name once, and for every frame its place."""
    known: dict[str, int] = {}
    places = [known.setdefault(text, len(known)) for text in called(rows)]
    kinds = "".join(KINDS[kind] for kind in rows["kind"])
    return {"names": list(known), "name": places, "parent": rows["parent"].tolist(), "kind": kinds}


def _letters(moved: Marks) -> str:
    return "".join(
        MARKS[kind].upper() if certain else MARKS[kind]
        for kind, certain in zip(moved.kind, moved.certain.tolist(), strict=True)
    )


def _compact(values: Floats) -> list[int | float]:
    """Whole numbers as such, others to three digits behind the point."""
    return [int(value) if value == round(value) else round(value, 3) for value in values.tolist()]


def _nanoseconds(values: Floats) -> list[int]:
    """Whole ns; nothing at all where all are 0, as without a device."""
    rounded: list[int] = np.rint(values).astype(np.int64).tolist()
    return rounded if any(rounded) else []
