"""Literal frames for flame graphs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tbp.traces.calls.nesting import NO_PARENT
from tbp.traces.differences.frame_difference import FrameDifference
from tbp.traces.frames.frames import FRAME_COLUMNS, Frames

Rows = Mapping[str, tuple[str, int, int, int]]
"""Path → (kind, calls, self ns, device ns)."""


def frames(rows: Rows, steps: int = 2, step_ns: int = 8_000_000, sessions: int = 3) -> Frames:
    """The frames of these rows over all steps."""
    place = {path: row for row, path in enumerate(rows)}
    kinds, calls, self_ns, device_ns = zip(*rows.values(), strict=True)
    frame = pd.DataFrame(
        {
            "parent": [place[path.rpartition(" > ")[0]] if " > " in path else NO_PARENT for path in rows],
            "name": pd.Series([path.rpartition(" > ")[2].replace("…", "") for path in rows], dtype=object),
            "kind": pd.Series(kinds, dtype=object),
            "calls": calls,
            "self_ns": self_ns,
            "device_ns": device_ns,
            "merged": 1,
            "recorded": "",
        }
    )
    counts = {name: np.int64 for name, kind in FRAME_COLUMNS.items() if kind == "count"}
    return Frames(frame.astype(counts), steps, step_ns, sessions)


def paths(frames: Frames | FrameDifference) -> list[str]:
    """``a > b`` for every frame; one put together from others is called "…"."""
    names: list[str] = []
    for parent, name in zip(frames.rows["parent"], frames.rows["name"], strict=True):
        names.append(f"{names[parent]} > {name or '…'}" if parent != NO_PARENT else name or "…")
    return names
