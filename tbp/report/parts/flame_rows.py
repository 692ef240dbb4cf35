"""The top of a flame graph as rows of words, for pages without scripts and for those who read rather than look.

Takes frames or what two sides' differ in, gives rows; drawing the whole belongs to ``flame`` and its script.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.calls.nesting import NO_PARENT, depths
from tbp.traces.differences.frame_difference import FASTER, GONE, NEW, SAME, SLOWER, FrameDifference, Marks
from tbp.traces.frames.frames import Frames
from tbp.traces.frames.kinds import SMALLER
from tbp.traces.reading.trace import NS_PER_US
from tbp.wording import words

# A row of the table is worth reading from a twentieth of the step on, as an operator named in words (NAMED_SHARE);
# twelve rows, as of hotspots, are a screen and 6 kB of the page.
LEAST_ROW_SHARE = 0.05
MOST_ROWS = 12

# Names of kernels are whole C++ signatures; what tells them apart stands before this, and a line holds no more.
NAME_LENGTH = 240

GLYPHS = {SAME: "", NEW: "+", GONE: "−", SLOWER: "▲", FASTER: "▼"}


class FlameRow(Struct, frozen=True):
    """A frame near the top; ``level`` counts from 0 at the top of the step."""

    name: str
    level: int
    time: str  # with all below it; of a difference the time after
    share: str  # of the step
    calls: str
    mark: str = ""  # "slower", …: of a difference
    glyph: str = ""
    before: str = ""
    delta: str = ""


def rows_of(frames: Frames, clock: str) -> tuple[FlameRow, ...]:
    """Its largest frames on one clock, depth first."""
    total_us = frames.total_ns(clock) / frames.steps / NS_PER_US
    step_us = frames.step_ns / frames.steps / NS_PER_US if clock == "host" else 0.0
    whole_us = max(float(total_us[frames.parent == NO_PARENT].sum()), step_us)
    names, level = called(frames.rows), depths(frames.parent)
    calls = frames.rows["calls"].to_numpy() / frames.steps
    nothing = np.zeros(len(names), dtype=bool)
    return tuple(
        FlameRow(
            name=names[row],
            level=int(level[row]),
            time=words.microseconds(float(total_us[row])),
            share=words.percent(float(total_us[row]) / whole_us),
            calls=words.calls(float(calls[row])),
        )
        for row in _topmost(frames.parent, total_us, LEAST_ROW_SHARE * whole_us, nothing)
    )


def rows_of_difference(frames: FrameDifference, clock: str, moved: Marks) -> tuple[FlameRow, ...]:
    """Rows of the frames that certainly changed on one clock, and of the largest ones."""
    before_us, after_us = frames.total_us("before", clock), frames.total_us("after", clock)
    whole_us = frames.step_us("after", clock)
    names, level = called(frames.rows), depths(frames.parent)
    calls = [frames.rows[f"calls_{side}"].to_numpy() for side in ("before", "after")]
    listed = []
    for row in _topmost(frames.parent, np.maximum(before_us, after_us), LEAST_ROW_SHARE * whole_us, moved.certain):
        kind = moved.kind[row]
        listed.append(
            FlameRow(
                name=names[row],
                level=int(level[row]),
                time=words.microseconds(float(after_us[row])),
                share=words.percent(float(after_us[row]) / whole_us) if whole_us else "",
                calls=" → ".join(dict.fromkeys(words.calls(float(column[row])) for column in calls)),
                mark="" if kind == SAME else kind if moved.certain[row] else f"{kind}, not certain",
                glyph=GLYPHS[kind],
                before=words.microseconds(float(before_us[row])),
                delta=words.signed_microseconds(float(after_us[row] - before_us[row])),
            )
        )
    return tuple(listed)


def _topmost(parent: Indices, size: NDArray[np.float64], least: float, wanted: NDArray[np.bool_]) -> list[int]:
    """At most MOST_ROWS rows, depth first: the largest of at least ``least``, before them those ``wanted``; and all
    around each of them."""
    chosen: set[int] = set()
    order = np.lexsort((-size, ~wanted))
    for row in order.tolist():
        if size[row] <= 0 or not (wanted[row] or size[row] >= least):
            continue
        line = [row]
        while parent[line[-1]] != NO_PARENT and int(parent[line[-1]]) not in chosen:
            line.append(int(parent[line[-1]]))
        if len(chosen) + len(line) <= MOST_ROWS:
            chosen.update(line)
    below: dict[int, list[int]] = {}
    for row in sorted(chosen, key=lambda row: -size[row]):
        below.setdefault(int(parent[row]), []).append(row)
    listed: list[int] = []
    waiting = below.get(NO_PARENT, [])[::-1]
    while waiting:
        listed.append(waiting.pop())
        waiting += below.get(listed[-1], [])[::-1]
    return listed


def called(rows: pd.DataFrame) -> list[str]:
    """The name of every frame, as it was recorded; several small ones are named by their number."""
    names = [recorded or name for recorded, name in zip(rows["recorded"], rows["name"], strict=True)]
    return [frame_name(*frame) for frame in zip(names, rows["kind"], rows["merged"], strict=True)]


def frame_name(name: str, kind: str, merged: int) -> str:
    """The name of a frame; several small ones are named by their number."""
    if kind != SMALLER:
        return words.cut(words.visible(name), NAME_LENGTH)
    return f"({merged:,} smaller)" if merged else "(deeper calls)"
