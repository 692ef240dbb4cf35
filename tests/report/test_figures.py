import json
import math
from dataclasses import replace

import pytest

from tbp.history.series import Better, Break, Change, ChangeEvidence, ChangeKind, State
from tbp.report.figures import history_chart, layout
from tbp.report.sparkline import COLUMNS, HEIGHT, LEVELS, MARGIN, UNITS, WIDTH, sparkline
from tbp.report.strokes import COLOURS, NEUTRAL, pseudo_html, segments

NAN = math.nan


def test_values_are_drawn_in_one_readable_unit(make_history) -> None:
    chart = history_chart([make_history((1.5e-3, NAN, 2e-3), State.NO_CHANGE)], ["x"])
    points, levels = chart.payload["traces"]
    assert list(points["x"]) == [0, 2]
    assert list(points["y"]) == [1.5, 2.0]
    assert list(levels["x"])[:2] == [-0.4, 2.4]
    assert chart.payload["layout"]["yaxis"]["title"]["text"] == "ms"


def test_a_change_is_a_triangle_that_points_where_the_value_went(make_history) -> None:
    chart = history_chart([make_history((100.0,) * 3 + (90.0,), unit="tokens/s", better=Better.HIGHER)], ["x"])
    mark = chart.payload["traces"][2]
    assert list(mark["marker"]["symbol"]) == ["triangle-down"]
    assert mark["customdata"][0] == "<b>▼ −10 % lower (worse)</b><br>100 tokens/s → 90.0 tokens/s"
    assert chart.payload["layout"]["annotations"][0]["text"] == "<b>▼ −10 %</b> 03c0ffee"


def test_a_suspect_change_is_hollow_and_has_no_line(make_history, make_change) -> None:
    history = make_history((1.0,) * 5, State.NO_CHANGE, changes=(make_change(3, 1.0, 1.1, confirmed=False),))
    payload = history_chart([history], ["x"]).payload
    assert list(payload["traces"][2]["marker"]["symbol"]) == ["triangle-up-open"]
    assert "shapes" not in payload["layout"] or not payload["layout"]["shapes"]


def test_levels_are_split_at_confirmed_changes_only(make_history, make_change) -> None:
    changes = (make_change(2, 1.0, 2.0), make_change(3, 2.0, 2.1, confirmed=False), make_change(99, 1.0, 9.0))
    history = make_history((1.0, 1.0, 2.0, 2.2, NAN), changes=changes)
    assert segments(history) == [(0, 1, 1.0), (2, 4, 2.1)]


def test_another_version_s_points_are_hollow_and_grey_and_have_no_level(make_history) -> None:
    history = make_history((9.0, 9.0, 1.0, 1.0), State.NO_CHANGE)
    points = tuple(replace(point, comparable=index > 1) for index, point in enumerate(history.points))
    version = Break(2, ChangeKind.HARNESS, "benchmark version a → b", comparable=False)
    history = replace(history, points=points, breaks=(version,))
    assert segments(history) == [(2, 3, 1.0)]
    payload = history_chart([history], ["x"]).payload
    own, _, other = payload["traces"]
    assert (list(own["x"]), list(other["x"])) == ([2, 3], [0, 1])
    assert (other["marker"]["color"], other["marker"]["symbol"]) == (NEUTRAL, "circle-open")
    assert [line["line"]["dash"] for line in payload["layout"]["shapes"]] == ["dash"]


def test_a_change_with_a_dependency_is_neither_red_nor_blue(make_history) -> None:
    moved = Change(3, 1.0, 1.2, 0.001, True, ChangeKind.DEPENDENCY, "torch 2.12 → 2.13")
    history = make_history((1.0,) * 3 + (1.2,), State.NO_CHANGE, changes=(ChangeEvidence(moved),))
    payload = history_chart([history], ["x"]).payload
    assert list(payload["traces"][2]["marker"]["color"]) == [NEUTRAL]
    assert payload["layout"]["shapes"][0]["line"]["color"] == NEUTRAL
    assert not sparkline(history).changes


def test_series_far_apart_start_on_a_logarithmic_axis(make_history) -> None:
    near, far = make_history((1.0,), State.NO_CHANGE), make_history((30.0,), State.NO_CHANGE)
    assert history_chart([near, far], ["a", "b"]).log_at_first
    assert not history_chart([near], ["a"]).log_at_first
    assert not history_chart([make_history((0.0, 1.0), State.NO_CHANGE)], ["a"]).log_possible


def test_more_series_than_colours_wait_until_they_are_chosen(make_history) -> None:
    number = len(COLOURS) + 1
    chart = history_chart([make_history((1.0,), State.NO_CHANGE)] * number, [str(n) for n in range(number)])
    assert [entry.shown for entry in chart.legend] == [True] * len(COLOURS) + [False]
    assert chart.payload["traces"][-1]["visible"] == "legendonly"


@pytest.mark.parametrize("values", [(), (NAN, NAN), (math.inf, 1.0), (0.0, 0.0)])
def test_values_that_cannot_be_drawn_are_left_out(make_history, values) -> None:
    history = make_history(values, State.NO_CHANGE)
    chart = history_chart([history], ["x"])
    json.dumps(chart.payload["traces"][0], allow_nan=False)
    sparkline(history)


def test_plotly_s_markup_is_disarmed() -> None:
    assert pseudo_html("<a href='x'>&lt;%{y}") == "&lt;a href='x'&gt;&amp;lt;&#37;{y}"


def test_nothing_may_be_sent_to_a_service() -> None:
    shared = layout()
    assert shared["config"]["showSendToCloud"] is False
    assert shared["config"]["plotlyServerURL"] == ""
    assert len(json.dumps(shared)) < 1500


def test_a_sparkline_stays_in_its_box_and_has_gaps(make_history) -> None:
    spark = sparkline(make_history((1.0, NAN, 2.0, 2.0, 9.0)))
    assert spark.line.count("M") == 2
    assert spark.last == (WIDTH * UNITS - MARGIN, MARGIN)
    assert len(spark.changes) == 1
    assert all(MARGIN <= y <= HEIGHT * UNITS - MARGIN for _, y in spark.dots)


def test_a_long_history_costs_no_more_than_a_short_one(make_history) -> None:
    spark = sparkline(make_history((1.0, 1.1) * 500, State.NO_CHANGE))
    assert len(spark.levels) == COLUMNS
    assert len(spark.line) < 6 * COLUMNS


def test_noise_is_drawn_low(make_history) -> None:
    spark = sparkline(make_history((1.0, 1.01), State.NO_CHANGE))
    assert spark.line == "M8 33l304-2"
    assert LEVELS * 0.4 < spark.levels[0] < spark.levels[1] < LEVELS * 0.6


def test_a_series_without_values_has_no_line(make_history) -> None:
    assert sparkline(make_history((NAN,), State.FAILED)).line == ""
