"""Which operators account for a change that the gate confirmed.

Takes the judgements and what records a trace of both sides of a cell; gives the judgements with sentences such as
"aten::_softmax 2 → 6 calls (81 % of the traced slowdown)". Traces are recorded after everything is timed, and only
of what changed; they explain a verdict and never make one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from tbp.errors import UnreadableTrace
from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.system.children import temporary_folder
from tbp.traces.calls.names import NameRule
from tbp.traces.differences.difference import LEAST_SESSIONS, TraceDifference, difference
from tbp.traces.differences.exact import foremost
from tbp.traces.differences.wording import attributions, counts
from tbp.traces.operators.operators import TraceSession, session
from tbp.traces.reading.read import read_trace
from tbp.turns.cells import SIDES, Cell, CellFailed, CellSkipped, Side
from tbp.turns.worker_process import OutOfTime

# Recording and reading both sides takes some ten seconds a benchmark; one cause often slows many of them.
MOST_EXPLAINED = 8
NAMED_OPERATORS = 3

# Records one trace of each side of a cell in processes of their own; False where there is nothing to trace.
Record = Callable[[Cell, Mapping[Side, Path]], bool]
# Gives what records these cells, each once: a session, whose processes come from servers of its own.
Recording = Callable[[Sequence[Cell]], AbstractContextManager[Record]]

NO_TIME = "no trace explains it: the budget ended before one was recorded"


def explained(
    judgements: Sequence[Judgement], cells: Iterable[Cell], recording: Recording, rules: Sequence[NameRule] = ()
) -> tuple[Judgement, ...]:
    """The judgements, the largest regressions and improvements among them with their operators.

    ``rules`` are the project's for names of operators.
    """
    by_name = {(cell.benchmark, cell.parameters): cell for cell in cells}
    changed = [judgement for judgement in judgements if judgement.state in (State.REGRESSION, State.IMPROVEMENT)]
    changed.sort(key=lambda judgement: (judgement.state is State.IMPROVEMENT, -abs(judgement.effect)))
    traced = [_Traced(by_name[_name(judgement)], judgement) for judgement in changed[:MOST_EXPLAINED]]
    with temporary_folder("tbp-gate-") as folder:
        for _ in range(LEAST_SESSIONS):
            _record([cell for cell in traced if cell.goes_on], recording, folder, rules)
    operators = {_name(cell.judgement): cell.sentences() for cell in traced}
    return tuple(replace(judgement, operators=operators.get(_name(judgement), ())) for judgement in judgements)


def _name(judgement: Judgement) -> tuple[str, tuple[tuple[str, str], ...]]:
    return judgement.benchmark, judgement.parameters


class _Traced(Struct):
    """A changed cell, and the traces of it so far."""

    cell: Cell
    judgement: Judgement
    sessions: dict[Side, list[TraceSession]] = field(default_factory=lambda: {side: [] for side in SIDES})
    goes_on: bool = True
    problem: str = ""  # why there is no trace

    def sentences(self) -> tuple[str, ...]:
        """Sentences on the operators, or one that says why there are none; nothing for a benchmark without torch."""
        if self.problem:
            return (self.problem,)
        if not self.sessions["head"]:
            return () if not self.goes_on else (NO_TIME,)
        return sentences(difference(self.sessions["base"], self.sessions["head"]), self.judgement.effect)


def _record(traced: Sequence[_Traced], recording: Recording, folder: Path, rules: Sequence[NameRule]) -> None:
    """One more session of each, as far as time allows."""
    if not traced:
        return
    paths = {side: folder / f"{side}.pt.trace.json" for side in SIDES}
    with recording([changed.cell for changed in traced]) as record:
        for changed in traced:
            try:
                changed.goes_on = record(changed.cell, paths)
                sessions = [session(read_trace(paths[side]), rules) for side in SIDES] if changed.goes_on else []
            except OutOfTime:
                return
            except (CellFailed, CellSkipped, UnreadableTrace) as problem:
                changed.goes_on, changed.problem = False, f"no trace explains it: {problem}"
                continue
            for side, trace in zip(SIDES, sessions, strict=False):
                changed.sessions[side].append(trace)


def sentences(difference: TraceDifference, effect: float) -> tuple[str, ...]:
    """Sentences on the operators that changed for sure in the direction of ``effect``, the largest first.

    Without any, on what they worked on. The last ones name what the traces lost.
    """
    # Of a changed count the count is certain, not the time: there its own part says the direction.
    counted = difference.rows["kind"].isin(["new", "gone", "calls"])
    moved_us = difference.rows["calls_part_us"].where(counted, difference.rows["delta_us"])
    toward = moved_us[difference.rows["certain"] & (moved_us * effect > 0)]
    rows = difference.rows.loc[toward.abs().sort_values(ascending=False, kind="stable").index]
    if rows.empty:
        nothing = "the traces do not explain it: no operator changed in calls or, for sure, in time"
        return (nothing, *foremost(difference.exact), *difference.losses)
    # A busy neighbour can make more calls take less time under the profiler: then only the count is worth telling.
    rows = rows.head(NAMED_OPERATORS)
    is_timed_so = (rows["delta_us"] * effect > 0).tolist()
    wordings = zip(is_timed_so, attributions(rows, difference.clock), counts(rows), strict=True)
    return (*(whole if is_timed else count for is_timed, whole, count in wordings), *difference.losses)
