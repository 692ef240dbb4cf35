"""The devices, ranks and memory in a series' newest traces: sentences for the page, tables and a chart for its data.

Takes a history, gives words and a payload for ``static/charts/device_use.js``; the HTML belongs to
``templates/device_use.html`` and ``templates/device_tables.html``. Where nothing was recorded there is nothing.
"""

from __future__ import annotations

import pandas as pd
from msgspec import Struct

from tbp.figures.look import shipped
from tbp.figures.memory import memory_figure
from tbp.model.changes import History
from tbp.report.base.render import fragment_html
from tbp.report.parts import addresses
from tbp.report.parts.device_table import DeviceTable
from tbp.report.parts.flame import data_file
from tbp.report.parts.flame_rows import NAME_LENGTH
from tbp.report.parts.rank_history import rank_history_table, rank_sentences
from tbp.report.parts.trace_rows import HOTSPOTS
from tbp.traces.devices.memory import MemoryUse
from tbp.traces.devices.per_step import Devices
from tbp.traces.operators.operators import OperatorTable
from tbp.wording import device_words, words

MOST_DEVICES = 8
"""Devices, and ranks, with a sentence each: those of one machine. Tables have all ranks."""

MOST_RANKS = 64
"""Rows of ranks: eight machines."""

MOST_GAPS = 4
"""Operators named with a cause of idle time, as in the terminal."""

HIDDEN = "Hidden: the part of the communication with other work beside it."
WAITS = "Waits: time in collectives until the last rank is there, per step. Clock: by the ends of collectives."

PRUNED_AWAY = "An earlier version of tbp pruned these traces and did not keep {}."


class DeviceFold(Struct, frozen=True):
    """A part that is read when a reader opens it."""

    name: str  # of the part in the payload
    summary: str


class DeviceUseSection(Struct, frozen=True):
    """The devices, ranks and memory of a series. ``payload`` is for ``script_call("tbp.deviceUse", …)``."""

    id: str
    data_file: str  # that of its flame graphs
    title: str
    sentences: tuple[str, ...]
    folds: tuple[DeviceFold, ...]
    payload: dict[str, object]


def device_use(history: History) -> DeviceUseSection | None:
    """The section of a series; None where its newest traces recorded neither devices, ranks nor memory."""
    view, memory = history.devices, history.memory
    sentences = [*(_of_devices(view) if view is not None else ()), *(_of_memory(memory) if memory is not None else ())]
    sentences += [*rank_sentences(history.ranks), *_pruned_away(view, memory, history.operators)]
    if not sentences:
        return None
    parts = {**(_device_parts(view) if view is not None else {}), **(_memory_parts(memory) if memory else {})}
    if len(history.ranks) > 1:
        parts["rank_history"] = [rank_history_table(history.ranks)]
    summaries = {
        "idle": "Idle time by its cause",
        "kernels": "Kernels and their occupancy" if view is not None and _has_occupancy(view) else "Kernels",
        "ranks": "Ranks side by side",
        "rank_history": "Ranks over commits",
        "memory": "Memory over time, and what was alive at the peak",
    }
    use_id = f"{addresses.anchor(history.key)}-use"
    html = {name: fragment_html("device_tables.html", tables) for name, tables in parts.items()}
    figure = {"figure": shipped(memory_figure(memory))} if memory is not None else {}
    return DeviceUseSection(
        id=use_id,
        data_file=data_file(history),
        title=_title(view),
        sentences=tuple(sentences),
        folds=tuple(DeviceFold(name, summary) for name, summary in summaries.items() if name in parts),
        payload={"id": use_id, "parts": html, **figure},
    )


def _title(view: Devices | None) -> str:
    if view is None or not (len(view.devices) or len(view.ranks) > 1):
        return "Memory"
    return "Ranks" if len(view.ranks) > 1 else "Device" if len(view.devices) == 1 else "Devices"


def _of_devices(view: Devices) -> list[str]:
    """The ranks, or each device; then the causes of idle time, overlap and occupancy."""
    if len(view.ranks) > 1:
        more = f", which has {view.world_size:,}" if view.world_size > len(view.ranks) else ""
        sentences = [f"{device_words.ranks_sentence(view)}{more}."]
        if view.straggler is not None:
            sentences.append(f"{device_words.straggler_sentence(view.straggler)}.")
        if view.skew is not None:
            sentences.append(f"{device_words.skew_sentence(view.skew)}.")
    else:
        rows = [row for _, row in view.devices.head(MOST_DEVICES).iterrows()]
        sentences = [f"{device_words.device_sentence(row)}." for row in rows]
    occupancy = device_words.occupancy_sentence(view.kernels)
    return [*sentences, *filter(None, (_idle(view), _overlap(view), f"{occupancy}." if occupancy else ""))]


def _idle(view: Devices) -> str:
    """``Idle time: the host launches late 81 %, …``."""
    whole_us = float(view.idle["total_us"].sum())
    if not whole_us:
        return ""
    causes = [
        f"{device_words.CAUSES_IN_WORDS[cause]} {words.percent(float(frame['total_us'].sum()) / whole_us)}"
        for cause, frame in device_words.by_cause(view.idle)
    ]
    return f"Idle time: {', '.join(causes)}."


def _overlap(view: Devices) -> str:
    """The part of the communication that runs beside other work: on the devices, without any on the hosts."""
    frame = view.devices if len(view.devices) else view.ranks
    whole_us, alone_us = (float(frame[f"{name}communication_us"].sum()) for name in ("", "exposed_"))
    if not whole_us:
        return ""
    return f"Overlap of communication: {words.percent(1 - alone_us / whole_us)} of it ran beside other work."


def _of_memory(memory: MemoryUse) -> list[str]:
    return [f"{device_words.memory_sentence(peak)}." for _, peak in memory.peaks.head(MOST_DEVICES).iterrows()]


def _pruned_away(view: Devices | None, memory: MemoryUse | None, table: OperatorTable | None) -> list[str]:
    """The parts that a table of an earlier tbp lacks: bytes by operator tell that memory was recorded."""
    lost = []
    if view is not None and not len(view.idle) and bool((view.devices["busy_share"] < 1).any()):
        lost.append("the causes of idle time")
    if memory is None and table is not None and bool(table.frame.get("allocated_bytes", pd.Series()).sum() > 0):
        lost.append("memory over time")
    return [PRUNED_AWAY.format(" and ".join(lost))] if lost else []


def _device_parts(view: Devices) -> dict[str, list[DeviceTable]]:
    parts = {}
    if len(view.idle):
        parts["idle"] = [_idle_table(view.idle)]
    if len(view.kernels):
        parts["kernels"] = [_kernel_table(view)]
    if len(view.ranks) > 1:
        parts["ranks"] = [_rank_table(view)]
    return parts


def _idle_table(idle: pd.DataFrame) -> DeviceTable:
    whole_us = float(idle["total_us"].sum())
    causes = device_words.by_cause(idle)
    rows = [
        (device_words.CAUSES_IN_WORDS[cause], *device_words.numbers_of_cause(frame, whole_us))
        for cause, frame in causes
    ]
    named = [device_words.operators_of_cause(cause, frame, whole_us, MOST_GAPS) for cause, frame in causes]
    return DeviceTable(
        heads=(("Idle while", ""), ("Time per step", "number"), ("Share", "number"), ("Gaps", "number")),
        rows=tuple(rows),
        below=tuple(named),
        is_of_code=False,
    )


def _has_occupancy(view: Devices) -> bool:
    return bool(view.kernels["occupancy"].notna().any())


def _kernel_table(view: Devices) -> DeviceTable:
    has_occupancy = _has_occupancy(view)
    shown, rest = view.kernels.head(HOTSPOTS), view.kernels.iloc[HOTSPOTS:]
    rows = [
        (words.cut(str(row["kernel"]), NAME_LENGTH), *device_words.numbers_of_kernel(row, has_occupancy))
        for _, row in shown.iterrows()
    ]
    left = f"{words.count(len(rest), 'further kernel')}: {words.percent(float(rest['share'].sum()))}."
    return DeviceTable(
        heads=(
            ("Kernel, and the operator that launched it", ""),
            ("Device time", "number"),
            ("Share", "number"),
            ("Calls", "number"),
            *([("Occupancy", "number")] if has_occupancy else []),
        ),
        rows=tuple(rows),
        below=tuple(shown["operator"]),
        notes=(left,) if len(rest) else (),
    )


def _rank_table(view: Devices) -> DeviceTable:
    titles = device_words.titles_of_rank(view.ranks)
    latest_first = view.ranks.sort_values("work_us", ascending=False, kind="stable")
    shown = view.ranks if len(view.ranks) <= MOST_RANKS else latest_first.head(MOST_RANKS)
    rows = []
    for _, row in shown.iterrows():
        run = f" (run {row['run'] + 1})" if view.runs > 1 else ""
        rows.append((f"rank {row['rank']}{run}", *device_words.numbers_of_rank(row, titles)))
    more = len(view.ranks) - MOST_RANKS
    notes = [
        HIDDEN,
        *([WAITS] if "waits" in titles else []),
        *([f"{more:,} more ranks, less late."] if more > 0 else []),
    ]
    return DeviceTable(
        heads=(("Rank", ""), *((title.capitalize(), "number") for title in titles)),
        rows=tuple(rows),
        notes=tuple(notes),
        is_of_code=False,
    )


def _memory_parts(memory: MemoryUse) -> dict[str, list[DeviceTable]]:
    tables = []
    for _, peak in memory.peaks.head(MOST_DEVICES).iterrows():
        name = device_words.memory_of(peak)
        alive, grown = (frame[frame["device"] == peak["device"]] for frame in (memory.alive, memory.grown))
        titled = ((f"Alive at the peak of {name}", alive), (f"Not freed by the end of the next step, {name}", grown))
        tables += [_block_table(title, rows) for title, rows in titled if len(rows)]
    lines = tuple(
        f"{device_words.memory_of(peak)}: peak {words.quantity(float(peak['peak_bytes']), 'bytes')}"
        for _, peak in memory.peaks.iterrows()
    )
    return {"memory": [DeviceTable((), (), lines=lines), *tables]}


def _block_table(title: str, rows: pd.DataFrame) -> DeviceTable:
    shown, rest = rows.head(HOTSPOTS), rows.iloc[HOTSPOTS:]
    whole = float(rows["bytes"].sum())
    left = f"{words.count(len(rest), 'further operator')}: {words.percent(float(rest['bytes'].sum()) / whole)}."
    return DeviceTable(
        title=title,
        heads=(("Allocated by", ""), ("Size", "number"), ("Share", "number"), ("Blocks", "number")),
        rows=tuple(
            (
                str(row["operator"]),
                words.quantity(float(row["bytes"]), "bytes"),
                words.percent(float(row["bytes"]) / whole),
                words.calls(float(row["blocks"])) if row["blocks"] else words.UNKNOWN,
            )
            for _, row in shown.iterrows()
        ),
        below=tuple(shown["module"]) if shown["module"].any() else (),
        notes=(left,) if len(rest) else (),
    )
