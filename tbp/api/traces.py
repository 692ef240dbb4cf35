"""Operators of a trace, and the difference of two, as `tbp hotspots` has them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import TypeAlias

import pandas as pd
from msgspec import Struct

from tbp.api.arguments import FilePath, Patterns, path_or_none, patterns
from tbp.asv.stored_traces import StoredTraces, chosen_pairs, only_cell
from tbp.errors import UsageError
from tbp.operator_views.table import views_table
from tbp.operator_views.views import By, Compared, Group, Ranking, compared, ranking
from tbp.traces.differences.difference import explanation
from tbp.traces.differences.order import time_moved
from tbp.wording import words
from tbp.wording.notebook import notebook_html

TraceArgument: TypeAlias = "FilePath | Sequence[FilePath]"
"""A trace file, a folder or pattern of one cell's, or a stored commit; several files are sessions of one cell."""

WIDTH = 100  # characters of a printed table


class HotspotTable(Struct, frozen=True, eq=False):
    """The operators of a trace, largest first. Times are µs per step, under the profiler."""

    name: str  # file or commit
    cell: str  # "attention.Quick.torchtime_step (variant=sdpa)"; empty where the trace names none
    by: str  # the quantity that they are ranked by
    group_by: str
    whole: float  # of all of them: µs per step, FLOPs or bytes
    frame: pd.DataFrame
    losses: tuple[str, ...]  # sentences on what could not be read
    ranking: Ranking  # with what the devices did; not stable

    def __repr__(self) -> str:
        first = str(self.frame["operator"].iloc[0]) if len(self.frame) else "none"
        count = words.count(len(self.frame), self.group_by)
        return words.one_line(f"<tbp.HotspotTable of {self.name}: {count} by {self.by}, the largest is {first}>")

    def __str__(self) -> str:
        return views_table([self.ranking], None, False, WIDTH)

    def _repr_html_(self) -> str:
        unit = {By.FLOPS: "FLOPs", By.MEMORY: "bytes"}.get(self.ranking.by, "µs")
        head = f"{self.cell or self.name}: {self.whole:,.0f} {unit} per step by {self.by}, under the profiler"
        return notebook_html([head, *self.losses], self.frame)


class OperatorDifference(Struct, frozen=True, eq=False):
    """The operators of two traces of one cell, the largest change first. Times are µs per step, under the profiler."""

    before: str  # file or commit
    after: str
    cell: str
    step_before_us: float
    step_after_us: float
    lost_us: float  # by operators that became slower
    gained_us: float  # by those that became faster: below 0
    clock: str  # "host" or "device": whose self time the rows compare
    enough_sessions: bool  # to judge changed times; changed calls are certain with any
    explanation: str  # a sentence: the certain operators, or why none can be named
    frame: pd.DataFrame
    losses: tuple[str, ...]
    compared: Compared  # with what the devices did; not stable

    def __repr__(self) -> str:
        return words.one_line(f"<tbp.OperatorDifference of {self.before} and {self.after}: {self.explanation}>")

    def __str__(self) -> str:
        return views_table([self.compared], None, False, WIDTH)

    def _repr_html_(self) -> str:
        head = f"{self.cell or f'{self.before} → {self.after}'}: {self.explanation}"
        return notebook_html([head, *self.losses], self.frame)


def hotspots(
    trace: TraceArgument,
    *,
    by: str = "",
    group_by: str = "operator",
    bench: Patterns = (),
    results_dir: FilePath | None = None,
    config: FilePath | None = None,
    machine: str = "",
    environment: str = "",
) -> HotspotTable:
    """The operators of a trace, ranked as `tbp hotspots` ranks them.

    ``trace`` is a file, a folder or pattern of one cell's traces, or a stored commit; several files are sessions of one
    cell. ``by`` is "self", "device", "total", "flops" or "memory"; by default the device's time where there is any,
    else self time. ``group_by`` is "operator", "module", "line" or "region". The others choose among stored traces.

    | column | of ``frame``, per step |
    | --- | --- |
    | ``operator`` | the name of the operator, module, line or region |
    | ``share`` | part of ``whole``, 0 to 1 |
    | ``calls`` | how often it is called |
    | ``self_us``, ``total_us`` | time on the host, without and with what it called |
    | ``self_device_us`` | time of its kernels |

    Calls and self times are those of the median step; other columns, and all of them by "total", are means over steps.

    Further columns may come and go; `docs/explanation/traces.md` has those of today.

    >>> hotspots = tbp.hotspots("after.pt.trace.json.gz", by="total")
    >>> hotspots.frame.loc[0, "operator"]
    'aten::softmax'

    Raises:
        tbp.errors.UsageError: the trace is not there, has no such quantity, or several cells are meant.
        tbp.errors.UnreadableTrace: a file cannot be read.
    """
    _one_of("by", by, ("", *By))
    _one_of("group_by", group_by, tuple(Group))
    wanted = StoredTraces(path_or_none(config), path_or_none(results_dir), machine, environment, patterns(bench))
    view = ranking(only_cell(_arguments(trace), wanted), By(by) if by else None, Group(group_by))
    facts = view.facts
    return HotspotTable(facts.name, view.cell, str(view.by), str(view.group), view.whole, view.rows, facts.losses, view)


def difference(
    before: TraceArgument,
    after: TraceArgument,
    *,
    bench: Patterns = (),
    results_dir: FilePath | None = None,
    config: FilePath | None = None,
    machine: str = "",
    environment: str = "",
) -> OperatorDifference:
    """The operators that separate two traces of one cell, as `tbp hotspots BEFORE AFTER` has them.

    ``before`` and ``after`` are as ``trace`` of ``hotspots``; so are the others. Three or more sessions a side make
    changed times certain.

    | column | of ``frame``, per step |
    | --- | --- |
    | ``operator`` | its name |
    | ``calls_before``, ``calls_after`` | how often it is called |
    | ``self_before_us``, ``self_after_us`` | its self time on the clock ``clock`` |
    | ``delta_us``, ``share`` | how much longer it takes, and its part of the step's change |
    | ``kind`` | "new", "gone", "calls", "time" or "same" |
    | ``certain`` | False: it may be noise |
    | ``sentence`` | all of it in words |

    >>> tbp.difference("before.pt.trace.json.gz", "after.pt.trace.json.gz").frame.loc[0, "kind"]
    'new'

    Raises:
        tbp.errors.UsageError: a trace is not there, or the two are of no cell in common, or of several.
        tbp.errors.UnreadableTrace: a file cannot be read.
    """
    wanted = StoredTraces(path_or_none(config), path_or_none(results_dir), machine, environment, patterns(bench))
    old, new = _arguments(before), _arguments(after)
    if len(old) == len(new) == 1:
        pairs = chosen_pairs(old[0], new[0], wanted)
        if len(pairs) != 1:
            cells = "; ".join(side.cell for side, _ in pairs)
            raise UsageError(
                f"{len(pairs)} cells are meant, and a difference is of one; narrow bench to one of {cells}"
            )
        sides = pairs[0]
    else:
        sides = (only_cell(old, wanted), only_cell(new, wanted))
    view = compared(*sides)
    measured, moved = view.difference, time_moved(view.difference.rows)
    return OperatorDifference(
        before=view.before.name,
        after=view.after.name,
        cell=view.cell,
        step_before_us=measured.step_before_us,
        step_after_us=measured.step_after_us,
        lost_us=moved.lost_us,
        gained_us=moved.gained_us,
        clock=measured.clock,
        enough_sessions=measured.enough_sessions,
        explanation=explanation(measured),
        frame=view.rows,
        losses=(*view.before.losses, *view.after.losses),
        compared=view,
    )


def _arguments(trace: TraceArgument) -> tuple[str, ...]:
    return (fspath(trace),) if isinstance(trace, str | PathLike) else tuple(fspath(path) for path in trace)


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        choices = ", ".join(repr(str(choice)) for choice in known if choice)
        raise UsageError(f"{name} must be one of {choices}, not {value!r}")
