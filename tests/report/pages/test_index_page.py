import math

import pytest
from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.series import Better
from tbp.report.base.render import Frame, main_html
from tbp.report.pages.index.page import series_span, summary
from tbp.report.parts.series_order import Tile, natural

from ...histories import changes, history, report

NAN = math.nan


def test_rows_are_sorted_by_state_then_by_size_then_by_name(make_history, make_report) -> None:
    steady = [make_history((1e-3,) * 4, State.NO_CHANGE, parameters=(("s", size),)) for size in ("256", "64")]
    small = make_history((1e-3,) * 3 + (1.1e-3,), benchmark="b.small")
    large = make_history((1e-3,) * 3 + (1.5e-3,), benchmark="b.large")
    better = make_history((1e-3,) * 3 + (0.1e-3,), State.IMPROVEMENT, benchmark="b.better")
    rows = summary(make_report(*steady, better, small, large)).rows
    assert [(row.benchmark, row.parameters, row.change) for row in rows] == [
        ("b.large", "variant=sdpa", "▲ +50 % slower"),
        ("b.small", "variant=sdpa", "▲ +10 % slower"),
        ("b.better", "variant=sdpa", "▼ −90 % faster"),
        ("attention.Quick.torchtime_step", "s=64", "no change"),
        ("attention.Quick.torchtime_step", "s=256", "no change"),
    ]


def test_a_row_of_a_regression(make_history, make_report) -> None:
    row = summary(make_report(make_history())).rows[0]
    assert (row.levels, row.newest) == (("1.00 ms", "1.20 ms", "+200 µs"), "1.20 ms")
    assert row.commit.short == "03c0ffee"
    assert row.commit.href == "https://example.org/commit/" + row.commit.hash
    assert row.commit.date == "2026-05-04 12:00 UTC"
    assert row.glyph == ""
    assert row.href.startswith("benchmarks/attention-Quick-torchtime-step-")


def test_higher_is_better_turns_the_merit_not_the_arrow(make_history, make_report) -> None:
    history = make_history((100.0,) * 3 + (90.0,), unit="tokens/s", better=Better.HIGHER)
    assert summary(make_report(history)).rows[0].change == "▼ −10 % lower (worse)"


@pytest.mark.parametrize(
    ("state", "reason", "remark"),
    [
        (State.FAILED, "Traceback\nRuntimeError: boom", "RuntimeError: boom"),
        (State.SKIPPED, "no bfloat16 here", "no bfloat16 here"),
        (State.SKIPPED, "", "asv stores no reason; the page of the benchmark has the command that shows it"),
        (State.NOT_ENOUGH_DATA, "", "1 run with a value so far"),
    ],
)
def test_what_has_no_verdict_says_why(make_history, make_report, state, reason, remark) -> None:
    history = make_history((1e-3, NAN), state, reason=reason)
    assert summary(make_report(history)).rows[0].remark == remark


def test_a_regression_without_a_change_point_is_still_shown(make_history, make_report) -> None:
    found = summary(make_report(make_history(changes=())))
    assert found.rows[0].change == "regression"
    assert found.rows[0].commit is None
    assert found.answer.sentence == "No new regression in the 7 days to 2026-05-05; 1 stands."


def test_where_nothing_stands_the_series_come_first_and_all_else_below_them(make_history, make_report) -> None:
    def order(data) -> list[int]:
        html = main_html("index.html", summary(data), Frame("example", "", "1"))
        return [html.index(part) for part in ('id="all-series"', 'id="series"', 'id="last-runs"')]

    calm = order(make_report(make_history((1.0,) * 9, State.NO_CHANGE)))
    assert calm == sorted(calm)
    eventful = order(report(history((1.0,) * 5 + (2.0,) * 4, changes=changes((5, 1.0, 2.0)))))
    assert min(eventful) == eventful[2]


def test_a_change_outside_the_series_has_no_commit(make_history, make_change, make_report) -> None:
    row = summary(make_report(make_history(changes=(make_change(99, 1.0, 2.0),)))).rows[0]
    assert row.commit is None


def test_tiles_count_the_states_that_occur_and_those_a_reader_seeks(make_history, make_report) -> None:
    found = summary(make_report(make_history(), make_history((NAN,), State.FAILED)))
    assert [(tile.state, tile.number) for tile in found.tiles] == [
        (State.REGRESSION, 1),
        (State.IMPROVEMENT, 0),
        (State.FAILED, 1),
    ]
    assert found.tiles[0] == Tile(State.REGRESSION, 1, "regression", "✖")


def test_the_place_is_told_only_where_it_tells_something(make_history, make_report) -> None:
    one, other = make_history(), make_history(machine="bench-2")
    assert {row.setup_name for row in summary(make_report(one)).rows} == {""}
    assert {row.setup_name for row in summary(make_report(one, other)).rows} == {"bench-1", "bench-2"}


def test_benchmarks_are_listed_by_family(make_history, make_report) -> None:
    names = ("b.X.time_b", "a.X.time_a", "b.X.time_a")
    found = summary(make_report(*(make_history(benchmark=name) for name in names)))
    assert [(family.name, [b.name for b in family.benchmarks]) for family in found.families] == [
        ("a", ["a.X.time_a"]),
        ("b", ["b.X.time_a", "b.X.time_b"]),
    ]


def test_nothing_measured_is_said(make_report) -> None:
    found = summary(make_report(problems=("x is no JSON",)))
    assert found.answer.sentence == "Nothing has been measured yet."
    assert (found.rows, found.span, found.problems) == ((), "", ("x is no JSON",))


def test_the_span_names_first_and_last_commit(make_history) -> None:
    assert series_span([make_history()]) == (
        "5 commits, 00c0ffee (2026-05-01 12:00 UTC) to 04c0ffee (2026-05-05 12:00 UTC)"
    )


def test_numbers_in_names_sort_by_size() -> None:
    assert sorted(["s256", "s64", "a1024"], key=natural) == ["a1024", "s64", "s256"]


def test_a_row_has_the_range_of_its_event(make_history, make_report) -> None:
    """The series itself has one run in three; another machine tells which commit it was."""
    every = make_history((1e-3,) * 3 + (1.5e-3,) * 2, machine="m1")
    few = make_history((1e-3,) * 3 + (1.5e-3,) * 2, machine="m2")
    few = replace(few, points=(few.points[0], few.points[4]), changes=changes((1, 1e-3, 1.5e-3)))
    rows = summary(make_report(every, few)).rows
    assert [(row.commit and row.commit.short, row.last_good, row.between) for row in rows] == [
        ("03c0ffee", None, ""),
        ("03c0ffee", None, ""),
    ]
    alone = summary(make_report(few, commits=tuple(point.commit for point in every.points))).rows[0]
    assert (alone.commit and alone.commit.short, alone.between) == ("04c0ffee", "one of 4 commits")
