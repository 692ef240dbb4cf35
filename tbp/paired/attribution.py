"""Which operators account for a change that the gate confirmed.

Takes the judgements and what records a trace of both sides of a cell; gives the judgements with sentences such as
"aten::_softmax 2 → 6 calls (81 % of the traced slowdown)". Traces are recorded after everything is timed, and only
of what changed; they explain a verdict and never make one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from tbp.errors import UnreadableTrace
from tbp.history.series import State
from tbp.paired.referee import SIDES, Cell, CellFailed, CellSkipped, Side
from tbp.traces.difference import LEAST_SESSIONS, Difference, attributions, counts, difference
from tbp.traces.exact import foremost
from tbp.traces.operators import Session, session
from tbp.traces.read import read_trace
from tbp.verdict.judgement import Judgement

# Recording and reading both sides takes some ten seconds a benchmark; one cause often slows many of them.
MOST_EXPLAINED = 8
NAMED_OPERATORS = 3
# As the recorder: a 10th percentile needs about 20 steps; where they are long, fewer have to do.
STEPS = 20
LEAST_STEPS = 3
TRACE_BUDGET_S = 2.0

# Records one trace of each side of a cell in processes of their own; False where there is nothing to trace.
Record = Callable[[Cell, Mapping[Side, Path], int], bool]


def explained(found: Iterable[Judgement], cells: Iterable[Cell], record: Record) -> tuple[Judgement, ...]:
    """The judgements, the largest regressions and improvements among them with their operators."""
    judged = list(found)
    by_name = {(cell.benchmark, cell.parameters): cell for cell in cells}
    changed = [one for one in judged if one.state in (State.REGRESSION, State.IMPROVEMENT)]
    changed.sort(key=lambda one: (one.state is State.IMPROVEMENT, -abs(one.effect)))
    words = {
        (one.benchmark, one.parameters): _operators(by_name[one.benchmark, one.parameters], one, record)
        for one in changed[:MOST_EXPLAINED]
    }
    return tuple(replace(one, operators=words.get((one.benchmark, one.parameters), ())) for one in judged)


def _operators(cell: Cell, judgement: Judgement, record: Record) -> tuple[str, ...]:
    """Sentences on the operators, or one that says why there are none; nothing for a benchmark without torch."""
    steps = max(LEAST_STEPS, min(STEPS, int(TRACE_BUDGET_S / max(judgement.before, judgement.after))))
    sessions: dict[Side, list[Session]] = {"base": [], "head": []}
    try:
        with tempfile.TemporaryDirectory(prefix="tbp-gate-") as folder:
            for _ in range(LEAST_SESSIONS):
                paths = {side: Path(folder) / f"{side}.pt.trace.json" for side in SIDES}
                if not record(cell, paths, steps):
                    return ()
                for side in SIDES:
                    sessions[side].append(session(read_trace(paths[side])))
    except (CellFailed, CellSkipped, UnreadableTrace) as problem:
        return (f"no trace explains it: {problem}",)
    return sentences(difference(sessions["base"], sessions["head"]), judgement.effect)


def sentences(found: Difference, effect: float) -> tuple[str, ...]:
    """On the operators that changed for sure in the direction of ``effect``, the largest first; without any, on what
    they worked on. At last what the traces had lost."""
    # Of a changed count the count is certain, not the time: there its own part says the direction.
    counted = found.rows["kind"].isin(["new", "gone", "calls"])
    moved_us = found.rows["calls_part_us"].where(counted, found.rows["delta_us"])
    toward = moved_us[found.rows["certain"] & (moved_us * effect > 0)]
    rows = found.rows.loc[toward.abs().sort_values(ascending=False, kind="stable").index]
    if rows.empty:
        nothing = "the traces do not explain it: no operator changed in calls or, for sure, in time"
        return (nothing, *foremost(found.exact), *found.losses)
    # A busy neighbour can make more calls take less time under the profiler: then only the count is worth telling.
    rows = rows.head(NAMED_OPERATORS)
    is_told = (rows["delta_us"] * effect > 0).tolist()
    said = zip(is_told, attributions(rows, found.clock), counts(rows), strict=True)
    return (*(whole if told else count for told, whole, count in said), *found.losses)
