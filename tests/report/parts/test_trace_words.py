"""What a report says of traces beside what was measured: never a share of the slowdown of what is no time."""

import pandas as pd
import pytest

from tbp.model.changes import Change, ChangeEvidence
from tbp.report.parts.trace_words import causes, explanation, in_a_line, lead
from tbp.traces.differences.difference import TraceDifference
from tbp.traces.differences.exact import EXACT_COLUMNS

from ...trace_differences import row, trace_difference


def traced(
    before_us: float = 600.0, after_us: float = 800.0, factor: float = 1.0, exact: pd.DataFrame | None = None
) -> TraceDifference:
    """softmax is new and holds most of what the step gained; mm is called once less."""
    rows = [
        row("aten::_softmax", (0.0, 1.0), (0.0, 150.0), "new"),
        row("aten::mm", (3.0, 2.0), (90.0, 60.0), "calls"),
    ]
    return trace_difference(rows, (before_us, after_us), after_us - before_us - 120.0, factor, exact=exact)


def evidence(before: float, after: float, difference: TraceDifference) -> ChangeEvidence:
    return ChangeEvidence(Change(3, before, after, 0.001, True), difference)


def test_the_traced_and_the_timed_step_are_told_before_any_operator() -> None:
    what = evidence(500e-6, 660e-6, traced())
    assert lead(what, "seconds") == (
        "Timed, the step went from 500 µs to 660 µs (+32 %). Under the profiler it took 1.2 times as long (+33 %)."
    )
    assert causes(what, "seconds") == ("aten::_softmax 0 → 1 calls (75 % of the traced slowdown)",)


@pytest.mark.parametrize(
    ("after_us", "said"),
    [
        (2100.0, "The traces overstate the change"),
        (640.0, "The traces show only a part of the change"),
        (590.0, "the traces do not show this change"),
    ],
)
def test_traces_that_disagree_with_the_timing_say_so(after_us, said) -> None:
    assert said in lead(evidence(500e-6, 660e-6, traced(after_us=after_us)), "seconds")


def test_where_the_traced_step_moved_the_other_way_no_operator_has_a_share() -> None:
    what = evidence(500e-6, 660e-6, traced(after_us=570.0))
    assert causes(what, "seconds") == ()
    assert explanation(what, "seconds") == "aten::_softmax 0 → 1 calls"
    assert in_a_line(what, "seconds") == "the traces do not show the change: in them the step changed by −5.0 %"


@pytest.mark.parametrize(("unit", "before", "after"), [("bytes", 2e5, 1e6), ("operators", 8.0, 12.0)])
def test_bytes_and_counts_have_no_slowdown_to_share(unit, before, after) -> None:
    what = evidence(before, after, traced())
    assert causes(what, unit) == ("aten::_softmax 0 → 1 calls",)
    assert "slowdown" not in lead(what, unit) + explanation(what, unit)
    assert causes(evidence(after, before, traced()), unit) == ("aten::mm 3 → 2 calls",)


def test_of_bytes_the_operator_that_allocates_more_is_told_first() -> None:
    rows = [
        ("aten::mm", "allocated_bytes", 4e3, 8e3, "aten::mm allocated 4 → 8 kB"),
        ("aten::add", "allocated_bytes", 8e3, 4e3, "aten::add allocated 8 → 4 kB"),
    ]
    exact = pd.DataFrame(rows, columns=list(EXACT_COLUMNS))
    assert causes(evidence(2e5, 1e6, traced(exact=exact)), "bytes") == (
        "aten::mm allocated 4 → 8 kB",
        "aten::_softmax 0 → 1 calls",
    )


def test_a_machine_that_ran_at_another_speed_is_told_at_once() -> None:
    said = lead(evidence(500e-6, 660e-6, traced(factor=1.2)), "seconds")
    assert "1.20 × their time in the traces after the change: the machine was slower then" in said


def test_without_traces_nothing_is_said_of_them() -> None:
    what = ChangeEvidence(Change(3, 1.0, 2.0, 0.001, True))
    assert (lead(what, "seconds"), explanation(what, "seconds"), causes(what, "seconds")) == ("", "", ())
