"""The difference between the traces of two commits, operator by operator.

Takes the sessions of both sides, gives a ``TraceDifference``: every operator's share of the step's change, split into
calls and time per call, and whether it is certain. Call counts are exact, so a changed count is certain at once;
a changed time needs several sessions (see ``_timed``). Leaves the wording of a row to ``wording``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from msgspec import Struct
from numpy.typing import NDArray

from tbp.errors import UsageError
from tbp.system.arrays import Floats
from tbp.traces.differences.exact import by_parent, exact_changes, foremost
from tbp.traces.differences.sides import TracedSide, operators_of, side
from tbp.traces.differences.wording import attributions, change, row_sentences
from tbp.traces.operators.one_run import comparable_runs
from tbp.traces.operators.operators import TraceSession
from tbp.traces.reading.columns import FLAG, NUMBER, TEXT, check
from tbp.traces.reading.loss import NOTHING_LOST, Loss, total

# The rule for changed times and its limits. A time must pass it as measured *and* freed of the machine's speed:
# that speed is read off mostly small, dispatch-bound operators, which products do not follow, so by itself it made
# changes of 0 % certain. Measured with 3 sessions of 20 steps a side, one thread, 2 cores, identical code, sessions
# drawn at random from 72 (so not independent), corrected times only → both: comparisons with a false row 36 → 0 of
# 300 idle, 28 → 0 of 300 with three busy neighbours. The price is power: an operator made 25 % longer was found in
# 19 → 13 of 24 comparisons idle and 17 → 12 of 24 contended, 60 % longer in 24 → 22 and 24 → 24.
LEAST_SESSIONS = 3
LEAST_CHANGE_US = 20.0
LEAST_CHANGE = 0.10

# Below 1 µs per step an operator's time is mostly the profiler's own (1.0–1.4 µs per event): it says nothing of
# the machine's speed. With fewer than five operators the median of their ratios may be the change itself.
MACHINE_LEAST_US = 1.0
MACHINE_LEAST_OPERATORS = 5

# With the device busy for most of a step the host only waits, and host self time moves between the operators
# that happen to wait. A choice, not a measurement: half of the step cannot be host time any more.
DEVICE_BOUND = 0.5

# A step can change on the host beside a busy device, as when the loading of data leaves it: where the device's own
# change is less than half of the step's, host times say more. (V100, two configurations of a data loader: the step
# lost 38.6 ms, the device gained 1.5; 40 ms were in the loader.)
DEVICE_EXPLAINS = 0.5

# An explanation names no more than three operators, and none of a share below 5 %: the rest is in the table. A
# machine is spoken of from 5 % on, the usual spread between sessions on one machine.
NAMED_OPERATORS = 3
NAMED_SHARE = 0.05
NAMED_MACHINE = 0.05

NAMED_RANKS = 8  # that are left out

UNEXPLAINED = "The trace does not explain it"

# A share of next to nothing is noise divided by noise: below 1 % of the step shares are not given.
SHARE_LEAST_CHANGE = 0.01

ROW_COLUMNS = {
    "operator": TEXT,
    "calls_before": NUMBER,  # per step, median over sessions
    "calls_after": NUMBER,
    "self_before_us": NUMBER,  # per step, median over sessions, on the clock named by ``TraceDifference.clock``
    "self_after_us": NUMBER,
    "delta_us": NUMBER,  # after − before: above 0 is slower
    "calls_part_us": NUMBER,  # Δ calls × old time per call
    "per_call_part_us": NUMBER,  # new calls × Δ time per call; the two parts sum to delta_us
    "share": NUMBER,  # of the step's delta; NaN where the step changed by less than SHARE_LEAST_CHANGE
    "kind": TEXT,  # "new", "gone", "calls", "time", "same"
    "certain": FLAG,  # calls changed for sure, or the time passes the rule
    "sentence": TEXT,  # "aten::_softmax 1 → 2 calls (+0.87 ms, 81 % of the slowdown)"
    "self_host_before_us": NUMBER,  # per step, whichever clock is judged
    "self_host_after_us": NUMBER,
    "self_device_before_us": NUMBER,
    "self_device_after_us": NUMBER,
}


class TraceDifference(Struct, frozen=True, eq=False):
    """``rows`` has ROW_COLUMNS, largest absolute delta first; all times are µs per step.

    The deltas of the rows and ``residual_us`` sum to ``delta_us``. The residual is what no operator holds: Python
    between operators, overlap of threads or streams, and the difference between a median of sums and a sum of medians.
    """

    rows: pd.DataFrame
    step_before_us: float  # median over sessions of the median step, under the profiler
    step_after_us: float
    residual_us: float
    machine_factor: float  # how much slower the machine ran after: 1.10 makes unchanged operators 10 % longer
    sessions_before: int
    sessions_after: int
    clock: str = "host"  # "host" or "device": whose self time the rows compare
    exact: pd.DataFrame | None = None  # exact.EXACT_COLUMNS: moved calls, shapes, FLOPs, bytes, kernels; None: unknown
    parents: pd.DataFrame | None = None  # exact.PARENT_COLUMNS: operators under their callers; None: unknown
    loss_before: Loss = NOTHING_LOST  # of the files compared: belongs beside the difference
    loss_after: Loss = NOTHING_LOST
    left_out: tuple[int, ...] = ()  # ranks that not every run has a trace of

    def __post_init__(self) -> None:
        check(self.rows, ROW_COLUMNS, "difference")

    @property
    def delta_us(self) -> float:
        """Change of the step; above 0 it became slower."""
        return self.step_after_us - self.step_before_us

    @property
    def losses(self) -> tuple[str, ...]:
        """A part of a sentence for each side with damaged files, and on ranks left out; none for whole ones."""
        sides = (("before", self.loss_before), ("after", self.loss_after))
        lost = [f"the traces {side} are incomplete: {', '.join(loss.sentences)}" for side, loss in sides if loss]
        return (*lost, *filter(None, [self.rank_note]))

    @property
    def rank_note(self) -> str:
        """A part of a sentence on the ranks that are left out; empty where none is."""
        ranks = ", ".join(map(str, self.left_out[:NAMED_RANKS]))
        more = f" and {len(self.left_out) - NAMED_RANKS} more" if len(self.left_out) > NAMED_RANKS else ""
        return f"rank {ranks}{more} left out, as not every run has its trace" if ranks else ""

    @property
    def enough_sessions(self) -> bool:
        """True where both sides have enough sessions to judge changed times."""
        return min(self.sessions_before, self.sessions_after) >= LEAST_SESSIONS


def difference(before: Sequence[TraceSession], after: Sequence[TraceSession]) -> TraceDifference:
    """Compare two sides, at least one session each; raises UsageError where a side has none.

    The ranks of one distributed run are one session (``operators.one_run``).
    """
    if not before or not after:
        raise UsageError("a difference needs a trace on both sides; record the missing one")
    runs = comparable_runs(before, after)
    before, after = runs.before, runs.after
    operators = operators_of([*before, *after])
    clock = "device" if _device_bound(before, after) else "host"
    column, other = ("self_us", "self_device_us") if clock == "host" else ("self_device_us", "self_us")
    old, new = (side(each, operators, column, other) for each in (before, after))
    changed, moved = _calls_changed(old, new)
    old_factor, new_factor = _machine_factors(old, new, ~moved)
    freed = _timed(old.floor_us / old_factor, new.floor_us / new_factor)
    timed = (freed != 0) & (freed == _timed(old.floor_us, new.floor_us)) & (freed == _typical(old, new)) & ~moved
    details = [[each.detail for each in sessions if each.detail is not None] for sessions in (before, after)]
    step_before_us, step_after_us = float(np.median(old.step_us)), float(np.median(new.step_us))
    rows = _rows(operators, old, new, clock)
    step_delta_us = step_after_us - step_before_us
    has_share = abs(step_delta_us) > SHARE_LEAST_CHANGE * step_before_us
    rows["share"] = rows["delta_us"] / step_delta_us if has_share else np.nan
    rows["kind"] = _kinds(rows, moved, timed)
    enough = min(len(before), len(after)) >= LEAST_SESSIONS
    rows["certain"] = changed | (timed & enough)
    rows["sentence"] = row_sentences(rows, clock)
    return TraceDifference(
        rows=_sorted(rows),
        step_before_us=step_before_us,
        step_after_us=step_after_us,
        residual_us=step_delta_us - float(rows["delta_us"].sum()),
        machine_factor=float(np.median(new_factor) / np.median(old_factor)),
        sessions_before=len(before),
        sessions_after=len(after),
        clock=clock,
        exact=exact_changes(*details) if all(details) else None,
        parents=by_parent(*details) if all(details) else None,
        loss_before=total(each.loss for each in before),
        loss_after=total(each.loss for each in after),
        left_out=runs.left_out,
    )


def explanation(difference: TraceDifference) -> str:
    """A sentence: the certain operators that make up most of the step's change, or why none can be named.

    It ends with the losses of the files.
    """
    sentence = _explanation(difference)
    if sentence.startswith(UNEXPLAINED) and (did := foremost(difference.exact)):
        sentence += f"; but operators did something else: {'; '.join(did)}"
    return "; ".join([sentence, *difference.losses])


def _explanation(difference: TraceDifference) -> str:
    certain = difference.rows[difference.rows["certain"]]
    named = certain[certain["share"] >= NAMED_SHARE].head(NAMED_OPERATORS)
    if len(named):
        return "; ".join(attributions(named, difference.clock))
    step = (
        f"the traced step changed by {change(difference.delta_us)} ({difference.step_before_us / 1000:.2f} ms before)"
    )
    if abs(difference.machine_factor - 1) >= NAMED_MACHINE:
        step += f", the machine {difference.machine_factor:.2f} × its time for unchanged operators"
    if len(certain):
        changed = "; ".join(attributions(certain.head(NAMED_OPERATORS), difference.clock))
        return f"{UNEXPLAINED}: {step}, and what certainly changed is too little or opposed: {changed}"
    if difference.enough_sessions:
        return f"{UNEXPLAINED}: {step}, and no operator's calls or time changed beyond the noise"
    return (
        f"{UNEXPLAINED}: {step}, no operator's calls changed, and changed times need "
        f"{LEAST_SESSIONS} sessions on each side"
    )


def _device_bound(before: Sequence[TraceSession], after: Sequence[TraceSession]) -> bool:
    """True where the device is busy for most of a median session's step, on both sides, and moved as the step did."""
    (old_busy_us, old_step_us), (new_busy_us, new_step_us) = map(_device_and_step_us, (before, after))
    if min(old_step_us, new_step_us) <= 0:
        return False
    if min(old_busy_us / old_step_us, new_busy_us / new_step_us) < DEVICE_BOUND:
        return False
    delta_us = new_step_us - old_step_us
    unexplained_us = abs(delta_us - (new_busy_us - old_busy_us))
    return abs(delta_us) < SHARE_LEAST_CHANGE * old_step_us or unexplained_us <= DEVICE_EXPLAINS * abs(delta_us)


def _device_and_step_us(sessions: Sequence[TraceSession]) -> tuple[float, float]:
    """Time on the device, and of the step on the host, in the median session."""
    device_us = [each.table.frame["self_device_us"].sum() for each in sessions]
    return float(np.median(device_us)), float(np.median([each.step_us for each in sessions]))


def _calls_changed(old: TracedSide, new: TracedSide) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Two masks of operators: calls changed for sure, and at all.

    They changed for sure if no step of one side makes as many calls as any of the other.


    An operator of every fourth step has equal counts on both sides in some steps; it is sure if every session
    of a side agrees on the mean, there are enough of them, and the means differ by more than where the window of
    steps happened to begin can do.
    """
    more = new.fewest_calls.min(axis=0) > old.most_calls.max(axis=0)
    fewer = new.most_calls.max(axis=0) < old.fewest_calls.min(axis=0)
    moved = np.median(new.calls, axis=0) != np.median(old.calls, axis=0)
    agreed = (np.ptp(old.calls, axis=0) == 0) & (np.ptp(new.calls, axis=0) == 0)
    enough = min(len(old.calls), len(new.calls)) >= LEAST_SESSIONS
    edge = np.maximum(old.most_calls.max(axis=0), new.most_calls.max(axis=0)) / min(old.steps, new.steps)
    beyond = np.abs(np.median(new.calls, axis=0) - np.median(old.calls, axis=0)) > edge
    return more | fewer | (agreed & beyond & enough), moved


def _machine_factors(old: TracedSide, new: TracedSide, unmoved: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Slowness of each session's machine, as a column per side: 1 is the usual of the old side."""
    usual_us = np.median(old.floor_us, axis=0)
    telling = unmoved & (old.floor_us.min(axis=0) >= MACHINE_LEAST_US) & (new.floor_us.min(axis=0) > 0)
    if telling.sum() < MACHINE_LEAST_OPERATORS:
        return np.ones((len(old.floor_us), 1)), np.ones((len(new.floor_us), 1))
    ratios = [np.median(each.floor_us[:, telling] / usual_us[telling], axis=1) for each in (old, new)]
    return ratios[0][:, None], ratios[1][:, None]


def _typical(old: TracedSide, new: TracedSide) -> NDArray[np.int8]:
    """1 where the usual self time, which a row shows, became longer by enough to matter, -1 shorter, 0 else.

    A floor alone can lie where neighbours come and go: all the quickest steps of one side were quicker by a tenth while
    the usual step was the same to 1 µs. Identical code, 113 operators, 2 cores with 10–15 runnable processes, 18
    sessions drawn at random: comparisons with a false row 16 → 3 of 300 by asking for both.
    """
    usual_us = np.median(old.self_us, axis=0)
    change_us = np.median(new.self_us, axis=0) - usual_us
    return np.where(_matters(change_us, usual_us), np.sign(change_us), 0).astype(np.int8)


def _matters(change_us: Floats, usual_us: Floats) -> NDArray[np.bool_]:
    return (np.abs(change_us) > LEAST_CHANGE_US) & (np.abs(change_us) > LEAST_CHANGE * usual_us)


def _timed(old_us: Floats, new_us: Floats) -> NDArray[np.int8]:
    """The rule for times: every session of one side beyond every one of the other, and a change that matters.

    1 where an operator became slower, -1 faster, 0 where the rule is not passed. Takes 10th percentiles of per-step
    self time, sessions × operators.
    """
    slower = new_us.min(axis=0) > old_us.max(axis=0)
    faster = new_us.max(axis=0) < old_us.min(axis=0)
    usual_us = np.median(old_us, axis=0)
    matters = _matters(np.median(new_us, axis=0) - usual_us, usual_us)
    return np.where(matters, slower.astype(np.int8) - faster.astype(np.int8), 0).astype(np.int8)


def _rows(operators: tuple[str, ...], old: TracedSide, new: TracedSide, clock: str) -> pd.DataFrame:
    calls_before, calls_after = np.median(old.calls, axis=0), np.median(new.calls, axis=0)
    before_us, after_us = np.median(old.self_us, axis=0), np.median(new.self_us, axis=0)
    other_before_us, other_after_us = np.median(old.other_self_us, axis=0), np.median(new.other_self_us, axis=0)
    per_call_us = np.divide(before_us, calls_before, out=np.zeros_like(before_us), where=calls_before > 0)
    # All the time of a new operator is due to its calls; the rest of the device time has none, and changes in time.
    new_part_us = np.where(calls_after > 0, after_us - before_us, 0.0)
    calls_part_us = np.where(calls_before > 0, (calls_after - calls_before) * per_call_us, new_part_us)
    rows = pd.DataFrame(
        {
            "operator": pd.Series(operators, dtype=object),
            "calls_before": calls_before,
            "calls_after": calls_after,
            "self_before_us": before_us,
            "self_after_us": after_us,
            "delta_us": after_us - before_us,
            "calls_part_us": calls_part_us,
            "per_call_part_us": after_us - before_us - calls_part_us,
        }
    )
    judged, beside = ("host", "device") if clock == "host" else ("device", "host")
    rows[f"self_{judged}_before_us"], rows[f"self_{judged}_after_us"] = before_us, after_us
    rows[f"self_{beside}_before_us"], rows[f"self_{beside}_after_us"] = other_before_us, other_after_us
    return rows


def _kinds(rows: pd.DataFrame, moved: NDArray[np.bool_], timed: NDArray[np.bool_]) -> pd.Series[str]:
    new = moved & (rows["calls_before"] == 0)
    gone = moved & (rows["calls_after"] == 0)
    kinds = np.select([new, gone, moved, timed], ["new", "gone", "calls", "time"], default="same")
    return pd.Series(kinds.astype(object), dtype=object)


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    largest = rows.assign(size=rows["delta_us"].abs()).sort_values(["size", "operator"], ascending=[False, True])
    return largest.reset_index(drop=True)[list(ROW_COLUMNS)]
