"""A change of the past is told with what became of it."""

import math

import pytest

from tbp.history.series import Change, ChangeEvidence, State
from tbp.report import now
from tbp.report.detail import benchmark_page
from tbp.report.summary import summary

NAN = math.nan


def changes(*steps: tuple[int, float, float]) -> tuple[ChangeEvidence, ...]:
    return tuple(ChangeEvidence(Change(index, before, after, 0.0004, True)) for index, before, after in steps)


STEP = changes((3, 1.0, 1.2))


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ((1.2, 1.21, 1.2), "still at this level"),
        ((1.2,), "only one run since"),
        ((1.2, 1.2, 1.8), "the newest run is off this level: ▲ +50 % slower"),
        ((1.2, 1.2, 0.9, 0.9), "the newest 2 runs have left this level: ▼ −25 % faster"),
        ((1.2, 1.2, 1.8, NAN, 1.8), "the newest 2 runs have left this level: ▲ +50 % slower"),
        # Two levels by turns: none of them is left.
        ((1.2, 0.9, 0.9, 1.2, 0.9, 0.9), "the newest run is off this level: ▼ −25 % faster"),
        ((1.2, 1.8, 0.9), "the newest run is off this level: ▼ −25 % faster"),
    ],
)
def test_what_became_of_the_level(make_history, since, said) -> None:
    own = make_history((1.0, 1.0, 1.0, *since), changes=STEP)
    found = now.now(own, own.changes[-1])
    assert found is not None
    assert now.leaving(own, found) == said
    assert found.is_left is ("have left" in said)


def test_a_gain_that_is_worse_than_at_first_is_no_good_news(make_history, make_report) -> None:
    steps = changes((2, 1.0, 1.5), (4, 1.5, 1.4))
    own = make_history((1.0, 1.0, 1.5, 1.5, 1.4, 1.4), State.IMPROVEMENT, changes=steps)
    row = summary(make_report(own)).rows[0]
    assert row.change == "▼ −6.7 % faster"
    assert row.standing is not None
    assert row.standing.net == "net ▲ +40 % slower than at first, 1.00 s"
    assert row.standing.is_net_worse
    found = summary(make_report(own)).notes
    assert [note.said for note in found] == ["1 of 1 improved or recovered series is worse than at first."]
    page = benchmark_page(own.key.benchmark, make_report(own))
    assert page.sections[0].is_net_worse
    assert page.finding.endswith("still at this level; net ▲ +40 % slower than at first, 1.00 s.")


def test_the_net_change_of_a_single_step_is_that_step(make_history, make_report) -> None:
    row = summary(make_report(make_history((1.0, 1.0, 1.0, 1.2, 1.2), changes=STEP))).rows[0]
    assert row.standing is not None
    assert (row.standing.net, row.standing.is_net_worse) == ("", False)


def test_a_series_without_a_newer_value_says_since_when(make_history) -> None:
    own = make_history((1.0, 1.0, 1.0, 1.2, 1.2, NAN), changes=STEP)
    found = now.now(own, own.changes[-1])
    assert found is not None
    assert now.sentence(own, found) == (
        "Now 1.20 s at 04c0ffee (2026-05-05 12:00 UTC), newer runs have no value; still at this level."
    )


def test_runs_of_both_sides_end_at_the_neighbouring_changes(make_history) -> None:
    steps = changes((2, 1.0, 1.5), (5, 1.5, 1.4))
    own = make_history((1.0, 1.0, 1.5, NAN, 1.5, 1.4), State.IMPROVEMENT, changes=steps)
    assert now.runs_around(own, steps[0]) == (2, 2)
    assert now.runs_around(own, steps[1]) == (2, 1)
