"""The memory of a trace, for a terminal: the peak of each device, the blocks alive then, and those that pile up.

Takes ``MemoryUse``, gives paragraphs and rows of ``tbp.wording.terminal``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from rich.console import RenderableType

from tbp.traces.devices.memory import MemoryUse
from tbp.wording import words
from tbp.wording.device_words import memory_sentence
from tbp.wording.terminal import Paragraph, TextRows

MOST_BLOCKS = 8  # rows of blocks, unless the command line says otherwise
MOST_DEVICES = 8


def memory_parts(memory: MemoryUse, top: int | None, with_blocks: bool) -> Iterator[RenderableType]:
    """A sentence per device; the blocks alive at its peak only ``with_blocks``, those that pile up always."""
    yield ""
    for _, peak in memory.peaks.head(MOST_DEVICES).iterrows():
        yield Paragraph(memory_sentence(peak), "", "  ")
        if with_blocks:
            alive = memory.alive[memory.alive["device"] == peak["device"]]
            yield from _blocks("alive at the peak", alive, top or MOST_BLOCKS)
        grown = memory.grown[memory.grown["device"] == peak["device"]]
        if peak["growth_bytes"] > 0:
            yield from _blocks("not freed by the end of the next step", grown, top or MOST_BLOCKS)
    if not with_blocks:
        yield "--by memory shows what was alive at the peak"


def _blocks(title: str, rows: pd.DataFrame, top: int) -> Iterator[RenderableType]:
    if not len(rows):
        return
    whole = float(rows["bytes"].sum())
    table = TextRows()
    table.add(title, "size", "share", "blocks")
    for _, row in rows.head(top).iterrows():
        size, share = words.quantity(float(row["bytes"]), "bytes"), words.percent(float(row["bytes"]) / whole)
        table.add(str(row["operator"]), size, share, words.calls(float(row["blocks"])) if row["blocks"] else "")
        if row["module"]:
            table.below(Paragraph(f"of {row['module']}", "    "))
    yield table
    if len(rows) > top:
        share = words.percent(float(rows["bytes"].iloc[top:].sum()) / whole)
        yield f"… and {len(rows) - top:,} more: {share}"
