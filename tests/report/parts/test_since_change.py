"""A change of the past is told with what became of it."""

import math

import pytest
from msgspec.structs import replace

from tbp.history.events import SeriesChange
from tbp.model.changes import ChangeKind, State
from tbp.report.pages.index.page import summary
from tbp.report.parts import since_change

from ...histories import changes, page_of

NAN = math.nan


STEP = changes((3, 1.0, 1.2))


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ((1.2, 1.21, 1.2), "still at this level"),
        ((1.2,), "only one run since"),
        ((1.2, 1.2, 1.8), "the newest run is away from this level: ▲ +50 % slower"),
        ((1.2, 1.2, 0.9, 0.9), "the newest 2 runs are at another level: ▼ −25 % faster"),
        ((1.2, 1.2, 1.8, NAN, 1.8), "the newest 2 runs are at another level: ▲ +50 % slower"),
        # Two levels by turns: none of them is left.
        ((1.2, 0.9, 0.9, 1.2, 0.9, 0.9), "the newest run is away from this level: ▼ −25 % faster"),
        ((1.2, 1.8, 0.9), "the newest run is away from this level: ▼ −25 % faster"),
    ],
)
def test_what_became_of_the_level(make_history, since, said) -> None:
    own = make_history((1.0, 1.0, 1.0, *since), changes=STEP)
    found = since_change.now(own, own.changes[-1])
    assert since_change.leaving(own, found) == said
    assert found.is_left is ("are at another level" in said)


def test_a_gain_that_is_worse_than_at_first_is_no_good_news(make_history, make_report) -> None:
    worse, better = changes((2, 1.0, 1.5), (4, 1.5, 1.4))
    accepted = replace(worse, change=replace(worse.change, acknowledged="worth it"))
    own = make_history((1.0, 1.0, 1.5, 1.5, 1.4, 1.4), State.IMPROVEMENT, changes=(accepted, better))
    row = summary(make_report(own)).rows[0]
    assert row.change == "▼ −6.7 % faster"
    assert row.standing.net == "overall ▲ +40 % slower than at first, 1.00 s"
    assert row.standing.is_net_worse
    found = summary(make_report(own)).notes
    assert [note.sentence for note in found] == [
        "1 of 1 improved or recovered series is still worse than at their first level."
    ]
    page = page_of(own.key.benchmark, make_report(own))
    assert page.sections[0].is_net_worse
    assert page.finding.endswith("still at this level; overall ▲ +40 % slower than at first, 1.00 s.")


def test_a_regression_of_which_a_part_is_undone_is_where_that_brought_it(make_history, make_report) -> None:
    steps = changes((2, 1.0, 1.5), (4, 1.5, 1.4))
    own = make_history((1.0, 1.0, 1.5, 1.5, 1.4, 1.4), State.REGRESSION, changes=steps)
    row = summary(make_report(own)).rows[0]
    assert row.change == "▲ +40 % slower"
    assert row.levels == ("1.00 s", "1.40 s", "+400 ms")
    assert row.sure == ("▲ +50 % at 02c0ffee", "▼ −6.7 % at 04c0ffee")
    assert (row.standing.leaving, row.standing.net) == ("still at this level", "")
    assert (row.commit.short, row.since, row.between) == ("02c0ffee", None, "")


def test_of_several_regressions_the_largest_is_shown_with_what_all_make_together(make_history, make_report) -> None:
    steps = changes((1, 2.0, 1.0), (2, 1.0, 1.1), (4, 1.1, 2.2))
    own = make_history((2.0, 1.0, 1.1, 1.1, 2.2, 2.2), State.REGRESSION, changes=steps)
    row = summary(make_report(own)).rows[0]
    assert (row.change, row.sure) == ("▲ +120 % slower", ("▲ +100 % at 04c0ffee", "▲ +10 % at 02c0ffee"))
    assert (row.commit.short, row.since.short) == ("04c0ffee", "02c0ffee")
    assert row.between == "the largest part of the change, which began at 02c0ffee"
    assert since_change.finding(own) == (
        "▲ +120 % slower since 02c0ffee: 1.00 s → 2.20 s, of which ▲ +100 % at 04c0ffee, ▲ +10 % at 02c0ffee, "
        "after ▼ −50 % at 01c0ffee. Overall ▲ +10 % slower than at first, 2.00 s."
    )
    page = page_of(own.key.benchmark, make_report(own))
    assert page.sections[0].badge == "▲ +120 % slower"
    assert page.sections[0].brief == "1.00 s → 2.20 s since 02c0ffee; now 2.20 s"


def test_another_cause_carries_the_first_level_along(make_history) -> None:
    steps = changes((1, 1.0, 1.2), (2, 1.2, 0.6), (4, 0.6, 0.3))
    host = replace(steps[1], change=replace(steps[1].change, kind=ChangeKind.HARDWARE))
    own = make_history((1.0, 1.2, 0.6, 0.6, 0.3, 0.3), State.IMPROVEMENT, changes=(steps[0], host, steps[2]))
    assert since_change.finding(own) == (
        "▼ −40 % faster since 01c0ffee: 500 ms → 300 ms, of which ▼ −50 % at 04c0ffee, ▲ +20 % at 01c0ffee, "
        "across the hardware change at 02c0ffee."
    )


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ({"kind": ChangeKind.HARDWARE, "explanation": "EPYC 1 → EPYC 2"}, "since then ▲ +25 % with EPYC 1 → EPYC 2"),
        ({"acknowledged": "worth it"}, "since then ▲ +25 % slower, acknowledged"),
    ],
)
def test_what_came_after_the_change_and_is_no_part_of_it_is_named(make_history, make_report, of, said) -> None:
    worse, later = changes((2, 1.0, 1.2), (4, 1.2, 1.5))
    later = replace(later, change=replace(later.change, **of))
    own = make_history((1.0, 1.0, 1.2, 1.2, 1.5, 1.5), State.REGRESSION, changes=(worse, later))
    row = summary(make_report(own)).rows[0]
    assert (row.change, row.levels[:2], row.newest) == ("▲ +20 % slower", ("1.00 s", "1.20 s"), "1.50 s")
    assert row.standing.leaving == f"{said}; still at this level"


def test_what_is_acknowledged_is_told_apart_and_net_is_since_the_base(make_history) -> None:
    steps = changes((1, 0.5, 1.0), (2, 1.0, 1.2), (4, 1.2, 1.5))
    accepted = replace(steps[2], change=replace(steps[2].change, acknowledged="worth it"))
    own = make_history((0.5, 1.0, 1.2, 1.2, 1.5, 1.5), State.REGRESSION, changes=(*steps[:2], accepted))
    assert since_change.finding(replace(own, since=2)) == (
        "▲ +20 % slower since 02c0ffee: 1.00 s → 1.20 s, p < 0.001, without the acknowledged ▲ +25 % at 04c0ffee. "
        "Overall ▲ +50 % slower than at the base, 1.00 s."
    )


def test_the_net_change_of_a_single_step_is_that_step(make_history, make_report) -> None:
    row = summary(make_report(make_history((1.0, 1.0, 1.0, 1.2, 1.2), changes=STEP))).rows[0]
    assert (row.standing.net, row.standing.is_net_worse) == ("", False)


def test_a_series_without_a_newer_value_says_since_when(make_history) -> None:
    own = make_history((1.0, 1.0, 1.0, 1.2, 1.2, NAN), changes=STEP)
    found = since_change.now(own, own.changes[-1])
    assert found is not None
    assert since_change.sentence(own, found) == (
        "Now 1.20 s at 04c0ffee (2026-05-05 12:00 UTC), newer runs have no value; still at this level."
    )


def test_runs_of_both_sides_end_at_the_neighbouring_changes(make_history) -> None:
    steps = changes((2, 1.0, 1.5), (5, 1.5, 1.4))
    own = make_history((1.0, 1.0, 1.5, NAN, 1.5, 1.4), State.IMPROVEMENT, changes=steps)
    assert since_change.runs_around(own, steps[0]) == (2, 2)
    assert since_change.runs_around(own, steps[1]) == (2, 1)


@pytest.mark.parametrize(
    ("newest", "text"),
    [
        ([(1.2, 1.2), (1.2, 1.21)], "still so on 2026-05-05"),
        ([(1.2, 1.2), (0.9, 0.9)], "1 of 2 series has moved on since"),
        ([(0.9, 0.9), (0.9, 0.9)], "2 of 2 series have moved on since"),
        ([(0.9, 0.9)], "it has moved on since"),
        ([(NAN, NAN)], ""),
    ],
)
def test_whether_an_event_still_stands(make_history, newest, text) -> None:
    histories = [make_history((1.0, 1.0, 1.0, *values), changes=STEP) for values in newest]
    assert since_change.still_so([SeriesChange(each, each.changes[0]) for each in histories]) == text
