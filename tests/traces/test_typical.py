"""One basis for traced times: the median step, in the table of one commit, in a difference and in frames."""

import numpy as np
import pandas as pd
from msgspec.structs import replace

from tbp.traces.differences.difference import difference
from tbp.traces.differences.typical import typical_frames, typical_table
from tbp.traces.operators.operators import TraceSession

from ..flames import frames
from ..histories import operator_table

STEPS_US = (100.0, 100.0, 100.0, 900.0)  # a median of 100, a mean of 300


def session(slowed: float = 1.0) -> TraceSession:
    """Four steps with one operator, the last of which was slow; 20 µs of each step are outside of it."""
    times_us = [slowed * us for us in STEPS_US]
    rows = [(step, "aten::div", 2.0, us, 0.0) for step, us in enumerate(times_us)]
    per_step = pd.DataFrame(rows, columns=["step", "operator", "calls", "self_us", "self_device_us"])
    mean_us = float(np.mean(times_us))
    table = replace(operator_table(("aten::div",), self_us=[mean_us], calls=[2.0]), steps=4)
    sum_ns = round(sum(times_us) * 1000)
    drawn = frames({"aten::div": ("operator", 8, sum_ns, 0)}, steps=4, step_ns=sum_ns + 80_000, sessions=1)
    median_us = float(np.median(times_us)) + 20.0
    return TraceSession(table, per_step, median_us, frames=drawn)


def test_the_operators_of_a_commit_have_the_times_of_a_difference() -> None:
    before, after = [session(), session(), session()], [session(2.0), session(2.0), session(2.0)]
    (row,) = difference(before, after).rows.to_dict("records")
    for side, sessions in (("before", before), ("after", after)):
        (operator,) = typical_table(sessions).frame.to_dict("records")
        assert operator["self_us"] == row[f"self_{side}_us"]
    assert (row["self_before_us"], row["self_after_us"]) == (100.0, 200.0)


def test_frames_have_the_median_time_of_their_operator_and_of_the_step() -> None:
    drawn = typical_frames([session(), session()])
    assert drawn is not None
    assert drawn.rows["self_ns"].sum() / drawn.steps == 100_000
    assert drawn.step_ns / drawn.steps == 120_000


def test_two_frames_of_one_operator_share_its_median_as_they_shared_its_mean() -> None:
    both = frames({"aten::div": ("operator", 4, 300_000, 0), "b": ("operator", 1, 0, 0),
                   "b > aten::div": ("operator", 4, 900_000, 0)}, steps=4, step_ns=1_280_000, sessions=1)  # fmt: skip
    drawn = typical_frames([replace(session(), frames=both)])
    assert drawn is not None
    assert (drawn.rows["self_ns"] / drawn.steps).tolist() == [25_000, 0, 75_000]


def test_without_frames_there_are_none() -> None:
    assert typical_frames([session(), replace(session(), frames=None)]) is None


def test_a_step_that_does_without_an_operator_counts_as_in_a_difference() -> None:
    sometimes = session()
    sometimes = replace(sometimes, per_step=sometimes.per_step.iloc[:2])
    (operator,) = typical_table([sometimes]).frame.to_dict("records")
    assert operator["self_us"] == 50.0  # the mean, as only some steps have it
    assert operator["calls"] == 1.0
