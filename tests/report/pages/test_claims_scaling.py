"""The section *scaling* of the page of claims: which lines stand beside each other, and the schedules' curves."""

import math

import pytest
from msgspec.structs import replace

from tbp.model.cells import CellCounted, MeasuredCell
from tbp.model.changes import History, State
from tbp.report.pages.claims.scaling import (
    MEMORY,
    MOST_STEPS,
    TIME,
    scaling_section_of,
    schedule_charts,
    suite_scalings,
)
from tbp.report.parts.series_names import SetupNames

SIZES = (64, 256, 1024)
NO_NAMES = SetupNames(False, False)


@pytest.fixture
def histories(make_history) -> list[History]:
    """A suite with three sizes, of which time and peak memory are drawn, and one with two, of which nothing is."""

    def cell(benchmark: str, variant: str, size: int, value: float, unit: str = "seconds") -> History:
        parameters = (("variant", variant), ("length", str(size)))
        return make_history((9.0, value), State.NO_CHANGE, benchmark=benchmark, parameters=parameters, unit=unit)

    made = [cell("a.Nightly.torchtime_step", "naive", size, 1e-9 * size**2) for size in SIZES]
    made += [cell("a.Nightly.torchtime_step", "sdpa", size, 1e-7 * size) for size in SIZES]
    made += [cell("a.Nightly.torchtime_step", "other", size, 1.0) for size in SIZES]
    made += [cell("a.Nightly.track_peak_bytes", "naive", size, 4.0 * size**2, "bytes") for size in SIZES]
    made += [cell("a.Nightly.track_peak_bytes", "sdpa", size, 4.0 * size, "bytes") for size in SIZES]
    made += [cell("a.Nightly.track_operators", "sdpa", size, 7.0, "operators") for size in SIZES]
    made += [cell("a.Nightly.track_device_seconds", "sdpa", size, 7.0) for size in SIZES]
    made += [
        make_history((math.nan,), State.SKIPPED, benchmark="a.Nightly.torchtime_step",
                     parameters=(("variant", "sdpa"), ("length", "of no run")))
    ]  # fmt: skip
    return [*made, *(cell("of_two_sizes.time_step", "sdpa", size, 1.0) for size in SIZES[:2])]


def compared(histories: list[History]) -> set:
    """The timed series of the two variants that a practice compares."""
    return {
        history.key
        for history in histories
        if history.unit == "seconds" and dict(history.key.parameters)["variant"] in ("naive", "sdpa")
    }


def test_compared_variants_are_lines_of_one_chart_for_time_and_one_for_memory(histories: list[History]) -> None:
    (suite,) = suite_scalings(compared(histories), histories, NO_NAMES)
    assert (suite.suite, suite.parameter, suite.setup_name) == ("a.Nightly", "length", "")
    assert [chart.quantity for chart in suite.charts] == [TIME, MEMORY]
    for chart in suite.charts:
        assert [(line.name, line.power) for line in chart.lines] == [
            ("variant=naive", "^2.00"),
            ("variant=sdpa", "^1.00"),
        ]
    colours = [[(trace.name, trace.line.color) for trace in chart.figure.data] for chart in suite.charts]
    assert colours[0] == colours[1]
    assert suite.charts[1].lines[0].sentence.startswith("memory grows as length^2.00")


def test_benchmarks_of_their_own_are_lines_by_their_names(make_history) -> None:
    histories = [
        make_history((1.0, value), State.NO_CHANGE, benchmark=f"sort.{name}", parameters=(("n", str(n)),))
        for name, power in (("time_slow", 2), ("time_fast", 1))
        for n, value in ((n, 1e-6 * n**power) for n in (10, 100, 1000))
    ]
    (suite,) = suite_scalings({history.key for history in histories}, histories, NO_NAMES)
    assert [line.name for line in suite.charts[0].lines] == ["sort.time_fast", "sort.time_slow"]


def test_each_setup_has_charts_of_its_own(histories: list[History]) -> None:
    elsewhere = [replace(history, key=replace(history.key, machine="other")) for history in histories]
    both = [*histories, *elsewhere]
    suites = suite_scalings(compared(both), both, SetupNames.of(both))
    assert sorted(suite.setup_name for suite in suites) == sorted({"other", histories[0].key.machine})
    assert all(len(chart.lines) == 2 for suite in suites for chart in suite.charts)


def test_without_charts_there_is_no_section(histories: list[History]) -> None:
    assert scaling_section_of((), histories, NO_NAMES) is None
    section = scaling_section_of(compared(histories), histories, NO_NAMES)
    assert section is not None
    assert [figure.layout.yaxis.title.text for figure in section.figures] == ["µs", "KiB"]


def scheduled(history: History, rates: tuple[float, ...]) -> History:
    return replace(history, cell=MeasuredCell(CellCounted(learning_rates=rates)))


def test_schedules_with_equal_rates_are_one_curve(make_history) -> None:
    rates = {"linear": (0.0, 0.5, 0.0), "linear_twin": (0.0, 0.5, 0.0), "by_hand": (0.0, 0.5, 0.0), "naive": (0.5, 0.0)}
    histories = [
        scheduled(
            make_history((1.0,), State.NO_CHANGE, benchmark=f"schedule.{suite}.torchtime_step",
                         parameters=(("variant", variant), ("groups", "2"))),
            known,
        )
        for variant, known in rates.items()
        for suite in ("Quick", "Nightly")
    ]  # fmt: skip
    (chart,) = schedule_charts(histories)
    assert chart.family == "schedule"
    assert [(curve.name, curve.rates) for curve in chart.curves] == [
        ("by_hand, linear", (0.0, 0.5, 0.0)),
        ("naive", (0.5, 0.0)),
    ]
    assert len(chart.figure.data) == 2


def test_a_long_schedule_is_thinned_over_all_its_steps(make_history) -> None:
    rates = tuple(float(step) for step in range(2 * MOST_STEPS + 1))
    (chart,) = schedule_charts([scheduled(make_history((1.0,), State.NO_CHANGE), rates)])
    (curve,) = chart.curves
    assert (len(curve.rates), curve.every, curve.rates[-1]) == (667, 3, 1998.0)
