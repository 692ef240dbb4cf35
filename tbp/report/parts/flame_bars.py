"""The bars of a flame graph for a notebook: the frames of one side, or what two sides differ in.

Takes frames, gives names, times, colours and words; the figure is ``tbp.figures.flame``.
"""

from __future__ import annotations

import numpy as np

from tbp.figures.flame import FAINT_COLOURS, KIND_COLOURS, MARK_COLOURS, REST_COLOUR, FlameBars
from tbp.report.parts.flame import marks_on
from tbp.report.parts.flame_rows import called
from tbp.traces.differences.difference import TraceDifference
from tbp.traces.differences.frame_difference import FrameDifference
from tbp.traces.frames.frames import Frames
from tbp.traces.reading.trace import NS_PER_US
from tbp.wording import words


def bars_of(frames: Frames, clock: str) -> FlameBars:
    """The bars of one side on the "host" or on the "device", coloured by the kind of their frames."""
    rows = frames.rows
    self_ns = rows["self_ns" if clock == "host" else "device_ns"].to_numpy(dtype=np.float64)
    calls = (rows["calls"].to_numpy(dtype=np.float64) / frames.steps).tolist()
    kinds = rows["kind"].tolist()
    return FlameBars(
        parent=frames.parent,
        names=called(rows),
        self_us=self_ns / frames.steps / NS_PER_US,
        colours=[KIND_COLOURS.get(kind, REST_COLOUR) for kind in kinds],
        texts=[f"{kind}, {words.calls(number)} calls in a step" for kind, number in zip(kinds, calls, strict=True)],
        step_us=frames.step_ns / frames.steps / NS_PER_US if clock == "host" else 0.0,
    )


def bars_of_difference(frames: FrameDifference, difference: TraceDifference, clock: str) -> FlameBars:
    """The bars of the time after, red where a frame became slower, blue where faster, purple where it is new.

    What is faint may be noise. Frames that are gone have no width.
    """
    rows, marks = frames.rows, marks_on(frames, difference, clock)
    before_us, after_us = frames.total_us("before", clock), frames.total_us("after", clock)
    calls = zip(rows["calls_before"].tolist(), rows["calls_after"].tolist(), strict=True)
    return FlameBars(
        parent=frames.parent,
        names=called(rows),
        self_us=rows[f"{'self' if clock == 'host' else 'device'}_after_us"].to_numpy(dtype=np.float64),
        colours=[
            MARK_COLOURS[kind] if certain else FAINT_COLOURS[kind]
            for kind, certain in zip(marks.kind, marks.certain.tolist(), strict=True)
        ],
        texts=[
            f"{kind}: {words.microseconds(old)} → {words.microseconds(new)}, "
            f"{words.calls(calls_before)} → {words.calls(calls_after)} calls"
            for kind, old, new, (calls_before, calls_after) in zip(
                marks.kind, before_us.tolist(), after_us.tolist(), calls, strict=True
            )
        ],
        step_us=frames.step_after_us if clock == "host" else 0.0,
    )
