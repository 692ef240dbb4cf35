"""Memory in a small form that does not grow with the trace: for what is kept of a pruned trace, and for pages.

Takes a ``MemoryUse``, gives one with the same peaks. What is bounded already stays as it is, so a report is the same
before and after ``tbp trace prune``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tbp.traces.devices.memory import BLOCK_COLUMNS, MemoryUse
from tbp.traces.reading.columns import typed

# A choice: a point for each two or three pixels of a page. Of 400 points gzip leaves about 3 kB.
MOST_POINTS = 400
MOST_BLOCKS = 20  # operators of a device by their blocks: a screen; the rest is a row
MOST_DEVICES = 8  # a machine's; those with the largest peaks

OTHER_BLOCKS = "(all further operators)"


def bounded(memory: MemoryUse) -> MemoryUse:
    """``memory`` with at most MOST_DEVICES devices, each with MOST_POINTS of its timeline and MOST_BLOCKS operators."""
    names = memory.peaks["device"].tolist()[:MOST_DEVICES]
    return MemoryUse(
        peaks=memory.peaks.head(MOST_DEVICES),
        alive=_joined([_largest(_of(memory.alive, name)) for name in names]),
        grown=_joined([_largest(_of(memory.grown, name)) for name in names]),
        timeline=_joined([thinned(_of(memory.timeline, name), MOST_POINTS) for name in names]),
    )


def thinned(timeline: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most ``most`` rows of one device's timeline: of each stretch the one with most allocated."""
    if len(timeline) <= most:
        return timeline
    number = np.arange(len(timeline)) * most // len(timeline)
    return timeline.loc[timeline.groupby(number)["allocated_bytes"].idxmax()]


def _of(frame: pd.DataFrame, device: str) -> pd.DataFrame:
    return frame[frame["device"] == device]


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def _largest(rows: pd.DataFrame) -> pd.DataFrame:
    """The first MOST_BLOCKS rows and one for all others, so that the sum stays."""
    rest = rows.iloc[MOST_BLOCKS:]
    if len(rest) <= 1:
        return rows
    summed = {"device": rest["device"].iloc[0], "operator": OTHER_BLOCKS, "module": ""}
    summed |= {"blocks": int(rest["blocks"].sum()), "bytes": float(rest["bytes"].sum())}
    return _joined([rows.head(MOST_BLOCKS), typed([summed], BLOCK_COLUMNS)])
