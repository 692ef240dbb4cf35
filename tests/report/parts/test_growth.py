import math

from msgspec.structs import replace

from tbp.model.changes import State
from tbp.report.parts.growth import LINES, scalings, sentence
from tbp.report.parts.series_names import dimensions
from tbp.statistics.power_law import growth


def series(make_history, value: float, **parameters: str):
    return make_history((9.0, value), State.NO_CHANGE, parameters=tuple(parameters.items()))


def found(*histories):
    return scalings(histories, dimensions([history.key for history in histories]))


def test_each_other_combination_is_a_line_of_newest_values_the_steepest_first(make_history) -> None:
    sizes = (64, 256, 1024)
    flat = [series(make_history, 1e-3 * size, variant="flash", size=str(size)) for size in sizes]
    steep = [series(make_history, 1e-6 * size**2, variant="naive", size=str(size)) for size in sizes]
    (only,) = found(*flat, *steep)
    assert only.parameter == "size"
    assert [(line.name, line.sizes) for line in only.lines] == [
        ("variant=naive", (64.0, 256.0, 1024.0)),
        ("variant=flash", (64.0, 256.0, 1024.0)),
    ]
    assert (
        only.lines[0].sentence == "time grows as size^2.00 (95 % interval 2.00 to 2.00, 3 sizes); 256 × from 64 to 1024"
    )
    assert [(trace.name, trace.x) for trace in only.chart.data] == [
        ("variant=naive ^2.00", (64.0, 256.0, 1024.0)),
        ("variant=flash ^1.00", (64.0, 256.0, 1024.0)),
    ]


def test_two_sizes_have_a_ratio_and_no_chart(make_history) -> None:
    (only,) = found(series(make_history, 1.0, size="256"), series(make_history, 7.4, size="1024"))
    assert only.chart is None
    assert [(line.name, line.sentence) for line in only.lines] == [("", "time at size 1024 is 7.40 × that at 256")]


def test_parameters_that_are_no_numbers_and_series_without_values_have_no_growth(make_history) -> None:
    assert found(series(make_history, 1.0, variant="a"), series(make_history, 2.0, variant="b")) == ()
    failed = make_history((math.nan,), State.FAILED, parameters=(("size", "1"),))
    assert found(failed, series(make_history, 2.0, size="2")) == ()
    assert found(series(make_history, 1.0, size="1")) == ()


def test_a_fixed_cost_is_told_from_a_power() -> None:
    sizes = [2.0**i for i in range(5, 13)]
    grown = growth(sizes, [1000 + size**2 for size in sizes])
    assert grown is not None
    said = sentence(grown, "size", "time")
    assert said.startswith("time grows as size^1.90 (95 % interval 1.80 to 1.99, 8 sizes); not by one power: ")
    assert "from 2048 to 4096 the power is 2.00; " in said


def test_the_last_power_is_told_where_it_is_another_though_the_interval_holds_it() -> None:
    grown = growth([1.0, 4.0, 16.0], [1.0, 6.0, 64.0])
    assert grown is not None
    assert grown.is_power_law
    assert "; from 4 to 16 the power is 1.71; 64.0 × from 1 to 16" in sentence(grown, "size", "time")


def test_a_value_that_falls_is_said_to_fall() -> None:
    grown = growth([1.0, 2.0, 4.0], [4.0, 2.0, 1.0])
    assert grown is not None
    assert sentence(grown, "threads", "time").startswith("time falls as threads^−1.00 (95 % interval −1.00 to −1.00,")


def test_lines_beyond_the_shown_ones_are_counted(make_history) -> None:
    histories = [
        series(make_history, float(size), variant=f"v{i}", size=str(size)) for i in range(LINES + 2) for size in (1, 2)
    ]
    (only,) = found(*histories)
    assert (len(only.lines), only.more) == (LINES, 2)


def test_a_machine_is_no_size(make_history) -> None:
    one = make_history((1.0,), State.NO_CHANGE, machine="1", parameters=())
    assert found(one, replace(one, key=replace(one.key, machine="2"))) == ()
