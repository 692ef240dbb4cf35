import math
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tbp.history.acknowledged import seen
from tbp.model.changes import ChangeEvidence, State
from tbp.model.series import Outcome, Point
from tbp.project.acknowledgements import Ack
from tbp.report.pages.index.last_runs import last_runs, silence
from tbp.report.pages.index.page import MOST_ROWS, summary

from ...histories import change

NAN = math.nan
TODAY = date(2026, 5, 5)


def changed(index: int, before: float, after: float, **fields: Any) -> tuple[ChangeEvidence, ...]:
    return (change(index, before, after, **fields),)


def test_a_change_has_its_interval_in_percent(make_history, make_report) -> None:
    exact, margin = changed(3, 1.0, 1.2, low=0.2, high=0.2), changed(3, 1.0, 1.2, low=0.18, high=0.2349)
    rows = [summary(make_report(make_history(changes=what))).rows[0] for what in (exact, margin)]
    assert [one.sure for one in rows] == [
        ("p < 0.001", "3 + 2 runs"),
        ("99 % CI +18 to +23 %", "p < 0.001", "3 + 2 runs"),
    ]


def test_commits_between_that_nobody_measured_are_a_range(make_history, make_report) -> None:
    own = make_history((1.0, 1.0, 1.0, 1.2, 1.2))
    hashes = [point.commit.hash for point in own.points]
    order = (*hashes[:3], "x", "y", *hashes[3:])
    row = summary(make_report(own, order=order)).rows[0]
    assert (row.last_good.short, row.commit.short, row.between) == ("02c0ffee", "03c0ffee", "one of 3 commits")
    row = summary(make_report(own, order=tuple(hashes))).rows[0]
    assert (row.last_good, row.between) == (None, "")


def test_a_failed_run_between_is_part_of_the_range(make_history, make_report) -> None:
    row = summary(make_report(make_history((1.0, 1.0, NAN, 1.2, 1.2)))).rows[0]
    assert (row.last_good.short, row.between) == ("01c0ffee", "one of 2 commits")


def test_without_a_repository_the_commits_of_other_series_count(make_history, make_report) -> None:
    own = make_history((1.0, 1.0, 1.0, 1.2, 1.2))
    rare = replace(own, points=(*own.points[:1], *own.points[3:]), changes=changed(1, 1.0, 1.2))
    other = make_history((1.0,) * 5, State.NO_CHANGE, machine="bench-2")
    assert summary(make_report(rare, other)).rows[0].between == "one of 3 commits"


def test_a_suspect_series_says_what_is_suspected_and_why_it_is_no_more(make_history, make_report) -> None:
    what = changed(4, 1.0, 1.1, confirmed=False, doubt="not sure enough among the 500 series of this report")
    own = make_history((1.0, 1.0, 1.0, 1.0, 1.1), State.SUSPECT, changes=what)
    found = summary(make_report(own))
    row = found.rows[0]
    assert (row.glyph, row.change, row.commit.short) == ("◇", "▲ +10 % slower", "04c0ffee")
    assert row.remark == "not confirmed: not sure enough among the 500 series of this report"
    assert row.size == pytest.approx(0.1)
    assert found.answer.standing == 0


@pytest.mark.parametrize(
    ("until", "standing", "row"),
    [
        (date(2026, 12, 31), 0,
         ("☑", "▲ +20 % slower", "acknowledged until 2026-12-31: worth it")),
        (date(2026, 5, 4), 1,
         ("", "▲ +20 % slower", "acknowledgement expired on 2026-05-04: worth it")),
    ],
)  # fmt: skip
def test_an_acknowledged_regression_is_none_until_its_last_day(make_history, make_report, until, standing, row) -> None:
    acks = (Ack("attention.*", "03c0ffee", "worth it", until),)
    index = summary(make_report(*seen([make_history()], acks, TODAY), acks=acks))
    assert index.answer.standing == standing
    assert (index.rows[0].glyph, index.rows[0].change, index.rows[0].remark) == row


def test_what_moved_comes_before_what_failed_and_what_did_not(make_history, make_report) -> None:
    states = (State.NO_CHANGE, State.FAILED, State.STALE, State.NOT_ENOUGH_DATA)
    quiet = [make_history((1.0, 1.0), state, benchmark=f"b.{state.value}") for state in states]
    better = make_history((1.0,) * 3 + (0.5,), State.IMPROVEMENT)
    rows = summary(make_report(*quiet, better)).rows
    assert [row.state for row in rows] == [
        State.IMPROVEMENT,
        State.FAILED,
        State.STALE,
        State.NOT_ENOUGH_DATA,
        State.NO_CHANGE,
    ]


def test_facets_are_offered_where_series_differ(make_history, make_report) -> None:
    one = make_history(parameters=(("device", "cuda"),))
    other = make_history(parameters=(("device", "cpu"),), benchmark="train.time_x")
    page = summary(make_report(one, other))
    assert [(facet.name, facet.values) for facet in page.facets.offered] == [("device", ("cpu", "cuda"))]
    assert page.suites == ("attention", "train")
    assert sorted((row.benchmark.split(".")[0], row.rig) for row in page.rows) == [("attention", 0), ("train", 1)]


def test_the_page_holds_the_worst_rows(make_history, make_report) -> None:
    many = [make_history((1.0, 1.0), State.NO_CHANGE, benchmark=f"b.time_{place}") for place in range(MOST_ROWS)]
    found = summary(make_report(*many, make_history()))
    assert len(found.listed) == MOST_ROWS
    assert found.listed[0][0].state is State.REGRESSION
    assert len(found.rows) == MOST_ROWS + 1


def moved_by(own, days: int):
    """The same series, its commits some days later under other hashes."""
    points = tuple(
        replace(
            point, commit=replace(point.commit, hash=f"a{point.commit.hash}", date=point.commit.date + timedelta(days))
        )
        for point in own.points
    )
    return replace(own, points=points)


def test_the_last_successful_run_of_each_machine(make_history, make_report) -> None:
    steady = make_history((1.0, 1.0, 1.0), State.NO_CHANGE, benchmark="a.time_x", machine="busy")
    failing = make_history((1.0, 1.0, NAN), State.FAILED, benchmark="a.time_y", machine="busy")
    silent = make_history((1.0, 1.0), State.STALE, benchmark="a.time_x", machine="silent")
    late = make_history((1.0, 1.0), State.NO_CHANGE, benchmark="a.time_x", machine="late")
    data = make_report(moved_by(steady, 40), moved_by(failing, 40), silent, late)
    runs = last_runs(data)
    assert [(run.machine, run.is_stale, run.measured, run.failed) for run in runs] == [
        ("silent", True, "1 benchmark, 1 series", ""),
        ("busy", False, "1 benchmark, 1 series", "1 benchmark, 1 series"),
        ("late", False, "1 benchmark, 1 series", ""),
    ]
    assert runs[0].commit.date == "2026-05-02 12:00 UTC"
    assert runs[0].remark == "41 days behind the newest commit with a result"
    assert runs[1].remark == ""
    assert silence(runs) == "silent (py3.13) is stale: nothing since 2026-05-02 12:00 UTC"


def test_a_newest_run_that_failed_altogether_is_no_success(make_history, make_report) -> None:
    own = make_history((1.0, 1.0, NAN), State.FAILED)
    (run,) = last_runs(make_report(own))
    assert run.commit.short == "01c0ffee"
    assert run.remark == (
        "1 day behind the newest commit with a result; nothing measured at 02c0ffee (2026-05-03 12:00 UTC)"
    )


def test_a_machine_that_never_measured_anything(make_history, make_report) -> None:
    (run,) = last_runs(make_report(make_history((NAN,), State.FAILED)))
    assert (run.commit, run.measured) == (None, "nothing yet")
    assert silence((run,)) == "no machine has measured anything yet"


def test_counts_are_of_one_commit_and_skipped_ones_are_told_apart(make_history, make_report) -> None:
    own = make_history((1.0, 1.0))
    skipped = replace(
        make_history(parameters=(("variant", "amp"),)),
        points=tuple(Point(point.commit, Outcome.SKIPPED) for point in own.points),
    )
    (run,) = last_runs(make_report(own, skipped))
    assert (run.measured, run.failed, run.skipped) == ("1 benchmark, 1 series", "", "1 benchmark, 1 series")
