import json
import math

import pytest
from msgspec.structs import replace

from tbp.model.changes import Break, Change, ChangeEvidence, ChangeKind, State
from tbp.model.series import Better, Tag
from tbp.report.base.commit_order import commit_order
from tbp.report.data.chart_layout import layout
from tbp.report.data.chart_marks import (
    BETTER,
    NEUTRAL,
    WORSE,
    change_marks,
    levels,
    merit,
    segments,
    version_breaks,
)
from tbp.report.data.history_chart import (
    FIRST,
    LEAST_APART,
    OFFSETS,
    commit_list,
    commits_payload,
    history_chart,
    unit_step,
)
from tbp.report.parts.packing import LETTERS, packed
from tbp.report.parts.series_names import dimensions, series_name
from tbp.report.parts.sparkline import COLUMNS, HEIGHT, LEVELS, MARGIN, UNITS, WIDTH, sparkline

from .unpacking import places, sums, unpacked

NAN = math.nan


def payload(*histories, tags=()):
    differ = dimensions([history.key for history in histories])
    return history_chart(histories, differ, commit_list(commit_order(histories)).place, tags).payload


def test_values_come_back_from_their_whole_numbers(make_history) -> None:
    data = payload(make_history((1.5e-3, NAN, 2e-3), State.NO_CHANGE))
    (series,) = data["series"]
    assert [None if v is None else v * series["step"] for v in sums(unpacked(series["v"]))] == [
        pytest.approx(1.5e-3),
        None,
        pytest.approx(2e-3),
    ]
    assert places(data["xs"][series["x"]]) == [0, 1, 2]
    letter = LETTERS[OFFSETS.index(10)]
    assert (series["low"], series["high"]) == (f"{letter}~{letter}", f"{letter}~{letter}")
    assert unpacked(series["sessions"]) == [2, 0, 2]
    assert unpacked(series["remarks"]) == [1, 1, data["remarks"].index("failed")]


def test_what_is_said_of_many_runs_in_a_row_is_said_once(make_history) -> None:
    history = make_history((NAN, NAN, 1.0, NAN, NAN, NAN), State.FAILED)
    reasons = ("a", "a", "", "a", "b", "b")
    points = tuple(replace(own, reason=why) for own, why in zip(history.points, reasons, strict=True))
    data = payload(replace(history, points=points))
    assert data["remarks"] == ["failed a", "failed b"]
    assert unpacked(data["series"][0]["remarks"]) == [0, 2, 0, 1, 1, 0, 0, 2, 1]


def test_a_value_keeps_five_digits_and_a_counter_all_of_them() -> None:
    assert round(1.23456789e-4 / unit_step([1.23456789e-4, 5.0])) == 12346
    assert unit_step([123_456_789_012.0, 7.0]) == 1.0
    assert unit_step([]) == 1.0
    assert unit_step([0.0, 0.5]) == 1e-5
    assert unit_step([1e-300, 2.5]) >= 1e-15


def test_commits_are_in_the_site_s_order_and_only_those_with_the_benchmark(make_history) -> None:
    history = make_history((1.0, 2.0, 3.0), State.NO_CHANGE)
    short = replace(history, points=history.points[1:])
    order = commit_order([history])
    data = history_chart([short], (), commit_list(order).place).payload
    assert places(data["commits"]) == [1, 2]
    said = commits_payload(commit_list(order), "javascript:alert(1)")
    assert said["url"] == ""
    assert sums(unpacked(said["date"]))[2] == int(order[2].date.timestamp())
    assert said["hash"] == [commit.hash for commit in order]


def test_a_tag_is_at_its_commit_or_before_the_first_one_measured_after_it(make_history) -> None:
    history = make_history((1.0, 2.0), State.NO_CHANGE)
    first, second = (point.commit.hash for point in history.points)
    tags = (Tag("v1\u202e", first), Tag("v2", second, is_exact=False), Tag("elsewhere", "f" * 40))
    assert payload(history, tags=tags)["tags"] == [[0, "v1\ufffd", 1], [1, "v2", 0]]


def test_series_are_told_apart_by_what_they_differ_in(make_history) -> None:
    def made(variant: str, machine: str = "m", *more: tuple[str, str]):
        parameters = (("variant", variant), ("dtype", "float32"), *more)
        return make_history(parameters=parameters, machine=machine).key

    keys = [made("s64"), made("s256"), made("s256", "n")]
    found = dimensions(keys)
    assert [(one.name, one.values, one.is_place) for one in found] == [
        ("variant", ("s64", "s256"), False),
        ("machine", ("m", "n"), True),
    ]
    assert [one.place_of(keys[2]) for one in found] == [1, 1]
    assert [series_name(key, found) for key in keys] == ["variant=s64 · m", "variant=s256 · m", "variant=s256 · n"]
    assert series_name(keys[0], dimensions(keys[:1])) == "variant=s64, dtype=float32"
    older = [made("a"), made("a", "m", ("added", "1"))]
    assert [one.place_of(older[0]) for one in dimensions(older)] == [-1]


def test_a_change_says_where_the_value_went_and_what_that_is(make_history) -> None:
    history = make_history((100.0,) * 3 + (90.0,), unit="tokens/s", better=Better.HIGHER)
    assert change_marks(history, 1.0) == [[3, 100, 90, WORSE, 1, "▼ −10 %", "lower (worse)"]]


def test_levels_are_split_at_confirmed_changes_only(make_history, make_change) -> None:
    changes = (make_change(2, 1.0, 2.0), make_change(3, 2.0, 2.1, confirmed=False), make_change(99, 1.0, 9.0))
    history = make_history((1.0, 1.0, 2.0, 2.2, NAN), changes=changes)
    assert segments(history) == [(0, 1, 1.0), (2, 4, 2.1)]
    assert levels(history, 0.001) == [[0, 1, 1000, 42], [2, 4, 2100, 88]]
    assert [mark[4] for mark in change_marks(history, 0.001)] == [1, 0]
    assert levels(replace(history, noise_between=NAN), 1.0)[0][3] == 0


def test_another_version_s_points_have_no_level(make_history) -> None:
    history = make_history((9.0, 9.0, 1.0, 1.0), State.NO_CHANGE)
    points = tuple(replace(point, comparable=index > 1) for index, point in enumerate(history.points))
    version = Break(2, ChangeKind.HARNESS, "benchmark version a → b", comparable=False)
    history = replace(history, points=points, breaks=(version,))
    assert segments(history) == [(2, 3, 1.0)]
    assert version_breaks(history) == [2]
    assert payload(history)["series"][0]["other"] == packed([0, 2])


def test_a_change_with_a_dependency_is_neither_worse_nor_better() -> None:
    moved = Change(3, 1.0, 1.2, 0.001, True, ChangeKind.DEPENDENCY, "torch 2.12 → 2.13")
    assert merit(moved, Better.LOWER) == NEUTRAL
    assert merit(replace(moved, kind=ChangeKind.CODE), Better.LOWER) == WORSE
    assert merit(replace(moved, kind=ChangeKind.CODE), Better.HIGHER) == BETTER
    assert merit(replace(moved, kind=ChangeKind.CODE, is_recovery=True), Better.HIGHER) == NEUTRAL


def test_a_change_with_a_dependency_is_no_dot_on_a_sparkline(make_history) -> None:
    moved = Change(3, 1.0, 1.2, 0.001, True, ChangeKind.DEPENDENCY, "torch 2.12 → 2.13")
    assert not sparkline(make_history((1.0,) * 4, State.NO_CHANGE, changes=(ChangeEvidence(moved),))).changes


def test_series_far_apart_start_as_changes_and_one_alone_on_a_logarithmic_axis(make_history) -> None:
    near, far = make_history((1.0,), State.NO_CHANGE), make_history((30.0,), State.NO_CHANGE, machine="n")
    assert payload(near, far)["scale"] == "relative"
    assert payload(make_history((1.0, 30.0), State.NO_CHANGE))["scale"] == "log"
    assert payload(near)["scale"] == "linear"
    # In per cent a step of a factor in one of them would leave the others flat.
    stepped = make_history((1.0, 1.0, 8.0, 8.0), State.NO_CHANGE, machine="m")
    assert payload(make_history((1.0, 1.05, 1.0, 1.05), State.NO_CHANGE), stepped)["scale"] == "log"
    strange = make_history((1e6, 1e6), State.NO_CHANGE, machine="o")
    assert payload(stepped, strange)["scale"] == "relative"
    zero = make_history((0.0, 1.0), State.NO_CHANGE)
    assert not history_chart([zero], (), commit_list(commit_order([zero])).place).log_possible


@pytest.mark.parametrize("values", [(), (NAN, NAN), (math.inf, 1.0), (0.0, 0.0), (1e-320, 1e300)])
def test_values_that_cannot_be_drawn_are_left_out(make_history, values) -> None:
    history = make_history(values, State.NO_CHANGE)
    json.dumps(payload(history), allow_nan=False)
    sparkline(history)


def test_quartiles_come_back_to_a_twentieth_of_their_distance(make_history) -> None:
    for low, high in ((0.999, 1.001), (0.97, 1.041), (0.5, 3.0), (1.2, 1.0), (-5.0, 9.0)):
        history = make_history((1.0,), State.NO_CHANGE)
        history = replace(history, points=(replace(history.points[0], low=low, high=high),))
        data = payload(history)
        parts = dict(zip(LETTERS, OFFSETS, strict=True))
        (series,) = data["series"]
        assert parts[series["low"]] == pytest.approx(max(0.0, 1000 * (1 - low)), rel=0.05)
        assert parts[series["high"]] == pytest.approx(max(0.0, 1000 * (high - 1)), rel=0.05)


def test_a_point_of_a_chart_costs_less_than_five_bytes(make_history) -> None:
    values = [1e-3 * (1 + 0.02 * math.sin(7 * i)) for i in range(1000)]
    history = make_history(values, State.NO_CHANGE)
    assert len(json.dumps(payload(history)["series"], separators=(",", ":"))) < 5 * len(values)


def test_the_data_of_series_that_are_not_drawn_at_first_lies_apart(make_history) -> None:
    values = [1e-3] * LEAST_APART
    many = [make_history(values, State.NO_CHANGE, machine=f"m{place}") for place in range(FIRST + 2)]
    differ = dimensions([history.key for history in many])
    place = commit_list(commit_order(many)).place
    chart = history_chart(many, differ, place)
    later = chart.payload["series"][FIRST:]
    assert [sorted(one) for one in later] == [["id", "in"]] * 2
    assert [unpacked(one["v"])[0] for one in chart.more["series"]] == [10_000] * 2
    assert all("v" in one for one in chart.payload["series"][:FIRST])
    assert not history_chart(many[:FIRST], differ, place).more
    few = [make_history([1e-3] * 5, State.NO_CHANGE, machine=f"m{place}") for place in range(FIRST + 2)]
    assert not history_chart(few, differ, place).more


def test_nothing_may_be_sent_to_a_service() -> None:
    shared = layout()
    assert shared["config"]["showSendToCloud"] is False
    assert shared["config"]["plotlyServerURL"] == ""
    assert len(json.dumps(shared)) < 1500


def test_the_shared_layout_is_one_that_plotly_knows() -> None:
    import plotly.graph_objects as go

    go.Layout(layout()["layout"])


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


def test_a_band_holds_95_of_100_runs_whatever_their_noise(make_history) -> None:
    values = [1.0] * 30 + [1.1] * 4 + [1.4] * 2  # nearly all the same: their robust spread is 0
    quiet = replace(make_history(tuple(values), changes=()), noise_between=0.0)
    assert levels(quiet, 0.001) == [[0, 35, 1000, 400]]
    assert levels(replace(quiet, points=quiet.points[:-1]), 0.001) == [[0, 34, 1000, 100]]


def test_a_series_has_its_noise_between_runs_for_the_cursors(make_history) -> None:
    loud, unknown = make_history(), replace(make_history(), noise_between=math.nan)
    exact = replace(make_history(), noise_between=0.0)
    place = {point.commit.hash: at for at, point in enumerate(loud.points)}
    series = history_chart([replace(loud, noise_between=0.0123456), unknown, exact], (), place).payload["series"]
    assert isinstance(series, list)
    assert [one.get("noise") for one in series] == [0.01235, None, 0.0]
