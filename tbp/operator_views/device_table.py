"""The devices of a trace, for a terminal: each device, its longest kernels, and the ranks of a run.

Takes ``Devices``, gives paragraphs and rows of ``tbp.wording.terminal``.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from tbp.traces.calls.generated import generated
from tbp.traces.calls.kernels import REST
from tbp.traces.devices.per_step import Devices
from tbp.traces.devices.rank_changes import rank_changes
from tbp.wording import words
from tbp.wording.device_words import (
    CAUSES_IN_WORDS,
    by_cause,
    device_sentence,
    median_rank,
    numbers_of_cause,
    numbers_of_kernel,
    numbers_of_rank,
    occupancy_sentence,
    operators_of_cause,
    ranks_sentence,
    skew_sentence,
    straggler_sentence,
    titles_of_rank,
)
from tbp.wording.rank_words import changed_ranks
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


def rank_change_sentences(before: Devices | None, after: Devices | None) -> Iterator[str]:
    """The ranks that changed alone, and for whom the others wait after it; nothing unless both sides have ranks."""
    if before is None or after is None or not len(before.ranks) or not len(after.ranks):
        return
    changes = rank_changes(before.ranks, after.ranks)
    if len(changes) < 2:
        return
    yield f"Ranks: {changed_ranks(changes) or f'none of {len(changes)} changed alone'}"
    if after.straggler is not None:
        yield straggler_sentence(after.straggler)


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
    """A row per rank; of many those that the others wait for most, below the median of all."""
    title = ranks_sentence(view)
    if view.missing:
        title += f"; without a trace: {words.named([*map(str, view.missing)], MOST_RANKS)}"
    rows = TextRows()
    titles = titles_of_rank(view.ranks)
    rows.add("rank", *titles)
    shown = view.ranks
    if len(shown) > MOST_RANKS:
        rows.add("median", *numbers_of_rank(median_rank(shown), titles))
        shown = shown.sort_values("work_us", ascending=False, kind="stable").head(MOST_RANKS)
    for _, row in shown.iterrows():
        run = f" (run {row['run'] + 1})" if view.runs > 1 else ""
        rows.add(f"{row['rank']}{run}", *numbers_of_rank(row, titles))
    yield from ("", Paragraph(title), rows)
    if len(view.ranks) > MOST_RANKS:
        left = words.count(len(view.ranks) - MOST_RANKS, "more rank")
        yield f"… and {left}, less late (--json has them)"
    if (late := view.straggler) is not None:
        yield Paragraph(straggler_sentence(late))
    if view.skew is not None:
        yield Paragraph(skew_sentence(view.skew))
