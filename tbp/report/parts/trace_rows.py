"""The traces of a series as rows of words: its hotspots, and what moved between two commits.

Takes an ``OperatorTable`` or a ``TraceDifference``, gives rows ready to be shown; reading and comparing traces
belong to ``tbp.traces``.
"""

from __future__ import annotations

import json
import math

import pandas as pd
from msgspec import Struct

from tbp.traces.differences.difference import LEAST_SESSIONS, TraceDifference
from tbp.traces.differences.exact import caller
from tbp.traces.frames.frames import Frames
from tbp.traces.frames.groups import by_line, by_module
from tbp.traces.operators import operators
from tbp.wording import words

HOTSPOTS = 12
"""Operators shown of a trace: about a screen; what is left is told in a sentence."""

DIFFERENCES = 15
"""Operators shown of a difference; the rest is one row, so that the rows still add up."""

EXACT = 12
"""Exact changes shown of a difference: more are a rewrite, of which the first ones tell as much."""

CALLERS = 12
"""Operators shown under their callers."""

LEAST_MOVED = 0.01
"""The least share of the step's change that is worth a row under a caller."""

KINDS = {"new": "new", "gone": "gone", "calls": "calls changed", "time": "time changed", "same": ""}


class Hotspot(Struct, frozen=True):
    operator: str
    recorded: str  # its name in the trace; empty where that is the same, or several
    calls: str  # per step
    self_time: str
    device_time: str  # empty when nothing ran on a device
    share: str
    bar: float  # the share in 0…100
    shapes: str


class Hotspots(Struct, frozen=True):
    """``on_device`` says that the share is of device time, and that there is a device column."""

    rows: tuple[Hotspot, ...]
    on_device: bool
    steps: int
    rest: str  # what is not shown, and what the traces had lost, in words; empty when everything is

    @property
    def of_steps(self) -> str:
        return "of one traced step" if self.steps == 1 else f"median of {self.steps:,} traced steps"


class HotspotGroups(Struct, frozen=True):
    """Self time by the module, or the Python function, that called the operators."""

    title: str  # of the thing that is grouped by: "nn.Module"
    rows: tuple[Hotspot, ...]
    rest: str  # as of Hotspots


class OperatorRow(Struct, frozen=True):
    """One operator between two commits, or a row that sums up; ``worse`` is None where direction says nothing."""

    operator: str
    delta: str
    share: str = ""
    bar: float = 0.0
    calls: str = ""
    before: str = ""
    after: str = ""
    worse: bool | None = None
    remark: str = ""
    certain: bool = True
    is_sum: bool = False


class UnderCaller(Struct, frozen=True):
    """One operator under one caller, on the two sides of a change.

    Without times: those are means over all steps, which one slow step moves, beside the medians of the other table.
    """

    caller: str
    operator: str
    calls: str
    share: str  # of what the operator's own time moved by, under all its callers
    bar: float
    worse: bool


class Told(Struct, frozen=True):
    """All that the traces on both sides of a change say of it."""

    clock: str  # "host" or "device": whose self time the rows compare
    whole: str  # what a share is a share of: "traced slowdown", "traced speed-up"
    rows: tuple[OperatorRow, ...]
    caveats: str
    losses: tuple[str, ...]  # what damaged traces lost, one sentence a side
    exact: tuple[str, ...]  # what is certain without a clock: moved calls, shapes, FLOPs, bytes, kernels
    more_exact: int  # that are not shown
    callers: tuple[UnderCaller, ...]


def told(difference: TraceDifference) -> Told:
    """The difference as rows and sentences."""
    exact = [] if difference.exact is None else [str(sentence) for sentence in difference.exact["sentence"]]
    return Told(
        clock=difference.clock,
        whole="traced slowdown" if difference.delta_us > 0 else "traced speed-up",
        rows=moved(difference),
        caveats=caveats(difference),
        losses=losses(difference),
        exact=tuple(exact[:EXACT]),
        more_exact=max(0, len(exact) - EXACT),
        callers=callers(difference),
    )


def losses(difference: TraceDifference) -> tuple[str, ...]:
    """The parts of the files of each side that could not be used, and ranks left out: they may be what differs."""
    sides = (("before", difference.loss_before), ("after", difference.loss_after))
    lost = [f"Traces {side} the change: {'; '.join(loss.sentences)}." for side, loss in sides if loss]
    return (*lost, *([f"{difference.rank_note.capitalize()}."] if difference.rank_note else []))


def callers(difference: TraceDifference) -> tuple[UnderCaller, ...]:
    """The operators that certainly changed, under each of their callers, by how much they moved there."""
    if difference.parents is None:
        return ()
    certain = set(difference.rows.loc[difference.rows["certain"], "operator"])
    frame = difference.parents[difference.parents["operator"].isin(certain)]
    frame = frame[frame["delta_us"].abs() >= LEAST_MOVED * abs(difference.delta_us)]
    whole_us = difference.parents.groupby("operator")["delta_us"].sum()
    return tuple(_under_caller(row, float(whole_us[row["operator"]])) for _, row in frame.head(CALLERS).iterrows())


def _under_caller(row: pd.Series, whole_us: float) -> UnderCaller:
    calls = [words.calls(float(row[side])) for side in ("calls_before", "calls_after")]
    return UnderCaller(
        caller=caller(row["parent"]),
        operator=str(row["operator"]),
        calls=" → ".join(calls) if calls[0] != calls[1] else calls[0],
        share=words.percent(_ratio(float(row["delta_us"]), whole_us)),
        bar=_bar(_ratio(float(row["delta_us"]), whole_us)),
        worse=float(row["delta_us"]) > 0,
    )


def hotspots(table: operators.OperatorTable) -> Hotspots:
    """The operators with most self time: on the device where there is device time, else on the host."""
    on_device = bool(table.frame["self_device_us"].sum() > 0)
    by = "self_device_us" if on_device else "self_us"
    shown = operators.hotspots(table, HOTSPOTS, by)
    whole_us = float(table.frame[by].sum())
    left, left_us = len(table.frame) - len(shown), whole_us - float(shown[by].sum())
    return Hotspots(
        rows=tuple(_hotspot(row, on_device) for _, row in shown.iterrows()),
        on_device=on_device,
        steps=table.steps,
        rest=" ".join(filter(None, [_left(left, left_us, whole_us), table.loss.sentence])),
    )


def hotspot_groups(frames: Frames, on_device: bool) -> tuple[HotspotGroups, ...]:
    """The modules and Python functions with most self time; nothing where none were recorded."""
    groups = (("nn.Module", "module", by_module(frames)), ("Python function", "function", by_line(frames)))
    return tuple(_groups(title, noun, rows, on_device) for title, noun, rows in groups if len(rows))


def _groups(title: str, noun: str, groups: pd.DataFrame, on_device: bool) -> HotspotGroups:
    by = "self_device_us" if on_device else "self_us"
    whole_us = float(groups[by].sum())
    ranked = groups.sort_values([by, "operator"], ascending=[False, True], kind="stable")
    ranked = ranked.assign(share=ranked[by] / whole_us if whole_us else 0.0, shapes="")
    shown, rest = ranked.head(HOTSPOTS), ranked.iloc[HOTSPOTS:]
    return HotspotGroups(
        title=title,
        rows=tuple(_hotspot(row, on_device) for _, row in shown.iterrows()),
        rest=_left(len(rest), float(rest[by].sum()), whole_us, noun),
    )


def _left(number: int, left_us: float, whole_us: float, noun: str = "operator") -> str:
    if not number:
        return ""
    share = words.percent(_ratio(left_us, whole_us))
    return f"{words.count(number, f'further {noun}')}: {words.microseconds(left_us)}, {share} of the step's self time."


def _hotspot(row: pd.Series, on_device: bool) -> Hotspot:
    return Hotspot(
        operator=str(row["operator"]),
        recorded=str(row.get("recorded", "")),
        calls=words.calls(float(row["calls"])),
        self_time=words.microseconds(float(row["self_us"])),
        device_time=words.microseconds(float(row["self_device_us"])) if on_device else "",
        share=words.percent(float(row["share"])),
        bar=_bar(float(row["share"])),
        shapes=shapes(str(row["shapes"])),
    )


def shapes(recorded: str) -> str:
    """``[[8, 64], [], [64]]`` as ``8×64, 64``; anything else as it was recorded."""
    try:
        sizes = json.loads(recorded)
    except ValueError:
        return recorded
    if not isinstance(sizes, list) or not all(isinstance(size, list) for size in sizes):
        return recorded
    return ", ".join("×".join(str(length) for length in size) for size in sizes if size)


def moved(difference: TraceDifference) -> tuple[OperatorRow, ...]:
    """Operators by how much their self time moved, then what is left out and the residual: the sum is the step's."""
    shown, rest = difference.rows.head(DIFFERENCES), difference.rows.iloc[DIFFERENCES:]
    rows = [_moved(row) for _, row in shown.iterrows()]
    if len(rest):
        rows.append(_sum(words.count(len(rest), "further operator"), float(rest["delta_us"].sum()), difference))
    rows.append(_sum("outside operators", difference.residual_us, difference))
    step = OperatorRow(
        operator="the traced step",
        delta=words.signed_microseconds(difference.delta_us),
        before=words.microseconds(difference.step_before_us),
        after=words.microseconds(difference.step_after_us),
        worse=difference.delta_us > 0,
        is_sum=True,
    )
    return (*rows, step)


def _moved(row: pd.Series) -> OperatorRow:
    delta_us, share = float(row["delta_us"]), float(row["share"])
    calls = [words.calls(float(row[side])) for side in ("calls_before", "calls_after")]
    kind, certain = KINDS.get(str(row["kind"]), str(row["kind"])), bool(row["certain"])
    return OperatorRow(
        operator=str(row["operator"]),
        delta=words.signed_microseconds(delta_us),
        share=words.percent(share),
        bar=_bar(share),
        calls=" → ".join(calls) if calls[0] != calls[1] else calls[0],
        before=words.microseconds(float(row["self_before_us"])),
        after=words.microseconds(float(row["self_after_us"])),
        worse=delta_us > 0 if delta_us else None,
        remark=f"{kind}, not certain" if kind and not certain else kind,
        certain=certain,
    )


def _sum(label: str, delta_us: float, difference: TraceDifference) -> OperatorRow:
    share = _ratio(delta_us, difference.delta_us)
    return OperatorRow(
        operator=label,
        delta=words.signed_microseconds(delta_us),
        share=words.percent(share),
        bar=_bar(share),
        is_sum=True,
    )


def caveats(difference: TraceDifference) -> str:
    """The limits of the comparison: too few sessions to judge times."""
    if difference.enough_sessions:
        return ""
    sessions = f"{difference.sessions_before} and {difference.sessions_after} traced sessions"
    return f"Only calls are judged: {sessions}, times need {LEAST_SESSIONS} on each side."


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _bar(share: float) -> float:
    return round(min(100.0, abs(share) * 100), 1) if math.isfinite(share) else 0.0
