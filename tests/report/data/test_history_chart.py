import json
import math

import numpy as np
import pytest
from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, ChangeKind, State
from tbp.model.series import Better, Tag
from tbp.report.base.packing import packed
from tbp.report.data.history_chart import FIRST, LEAST_APART, commits_payload, history_chart
from tbp.report.parts.series_names import dimensions, series_name
from tbp.report.parts.sparkline import COLUMNS, HEIGHT, LEVELS, MARGIN, UNITS, WIDTH, sparkline

from ...histories import commit_order, of_two_versions
from ...packed_data import unpacked

NAN = math.nan


def numbers(commits):
    return {commit.hash: at for at, commit in enumerate(commits)}


def payload(*histories, tags=()):
    """As a script gets it."""
    differ = dimensions([history.key for history in histories])
    chart = history_chart(histories, differ, numbers(commit_order(histories)), tags)
    return unpacked(packed(chart.payload))


def part(series, name):
    return next(trace for trace in series["traces"] if trace["meta"] == name)


def test_runs_are_a_trace_in_the_unit_of_the_axis(make_history) -> None:
    data = payload(make_history((1.5e-3, NAN, 2e-3), State.NO_CHANGE))
    (series,) = data["series"]
    points = part(series, "points")
    assert data["factor"] == 1e-3
    assert (points["steps"], points["y"]) == ([0, 2], [1.5, 2.0])
    assert (points["error_y"]["array"], points["error_y"]["arrayminus"]) == ([0.015, 0.02],) * 2
    assert series["sessions"] == [2, 0, 2]
    assert series["remarks"] == {"failed": [1]}


def test_commits_without_a_run_are_stepped_over(make_history) -> None:
    every = make_history((1.0,) * 9, State.NO_CHANGE)
    rare = replace(every, points=every.points[::4])
    (_, series) = payload(every, rare)["series"]
    points = part(series, "points")
    assert (points["steps"], points["y"]) == ([0, 4, 4], [1.0] * 3)


def test_what_is_said_of_many_runs_is_said_once(make_history) -> None:
    history = make_history((NAN, NAN, 1.0, NAN, NAN, NAN), State.FAILED)
    reasons = ("a", "a", "", "a", "b", "b")
    points = tuple(replace(run, reason=why) for run, why in zip(history.points, reasons, strict=True))
    (series,) = payload(replace(history, points=points))["series"]
    assert series["remarks"] == {"failed a": [0, 1, 3], "failed b": [4, 5]}


def test_commits_are_in_the_site_s_order_and_only_those_with_the_benchmark(make_history) -> None:
    history = make_history((1.0, 2.0, 3.0), State.NO_CHANGE)
    short = replace(history, points=history.points[1:])
    order = commit_order([history])
    data = history_chart([short], (), numbers(order)).payload
    assert data["commits"] == [1, 2]
    listed = commits_payload(order, "javascript:alert(1)")
    assert listed["url"] == ""
    assert listed["date"][2] == int(order[2].date.timestamp())
    assert listed["hash"] == [commit.hash for commit in order]


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
    changes = part(payload(history)["series"][0], "changes")
    assert changes["x"] == [3]
    assert changes["customdata"] == [[100.0, 90.0, 1, 1, "▼ −10 %", "lower (worse)"]]


def test_runs_of_another_version_are_a_trace_of_their_own() -> None:
    (series,) = payload(of_two_versions())["series"]
    assert (part(series, "other version")["steps"], part(series, "other version")["y"]) == ([0, 1], [9.0, 9.0])
    assert (part(series, "points")["steps"], part(series, "points")["y"]) == ([2, 1], [1.0, 1.0])
    assert series["breaks"] == [2]


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
    assert not history_chart([zero], (), numbers(commit_order([zero]))).log_possible


@pytest.mark.parametrize("values", [(), (NAN, NAN), (math.inf, 1.0), (0.0, 0.0), (1e-320, 1e300)])
def test_values_that_cannot_be_drawn_are_left_out(make_history, values) -> None:
    history = make_history(values, State.NO_CHANGE)
    json.dumps(payload(history), allow_nan=False)
    sparkline(history)


def test_a_run_of_a_chart_costs_less_than_seven_bytes(make_history) -> None:
    chance = np.random.default_rng(1)
    history = make_history((1e-3 * np.exp(chance.normal(0, 0.02, 1000))).tolist(), State.NO_CHANGE)
    assert len(packed(payload(history)["series"])) < 7 * 1000


def test_the_data_of_series_that_are_not_drawn_at_first_lies_apart(make_history) -> None:
    values = [1e-3] * LEAST_APART
    many = [make_history(values, State.NO_CHANGE, machine=f"m{place}") for place in range(FIRST + 2)]
    differ = dimensions([history.key for history in many])
    place = numbers(commit_order(many))
    chart = history_chart(many, differ, place)
    later = chart.payload["series"][FIRST:]
    assert [sorted(one) for one in later] == [["id", "in"]] * 2
    assert [part(one, "points")["y"][0] for one in chart.more["series"]] == [1.0] * 2
    assert all("traces" in one for one in chart.payload["series"][:FIRST])
    assert not history_chart(many[:FIRST], differ, place).more
    few = [make_history([1e-3] * 5, State.NO_CHANGE, machine=f"m{place}") for place in range(FIRST + 2)]
    assert not history_chart(few, differ, place).more


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


def test_a_series_has_its_noise_between_runs_for_the_cursors(make_history) -> None:
    loud, unknown = make_history(), replace(make_history(), noise_between=math.nan)
    exact = replace(make_history(), noise_between=0.0)
    place = {point.commit.hash: at for at, point in enumerate(loud.points)}
    series = history_chart([replace(loud, noise_between=0.0123456), unknown, exact], (), place).payload["series"]
    assert isinstance(series, list)
    assert [one.get("noise") for one in series] == [0.01235, None, 0.0]
