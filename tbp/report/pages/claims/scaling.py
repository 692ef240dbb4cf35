"""The section *scaling*: how time and memory of the compared variants grow, and the schedules of learning rates.

Takes the series that a project's claims compare, and all histories; gives charts with sentences. The fit of a line is
``parts.growth``'s; which of two variants is better at a size is left to the claims.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import plotly.graph_objects as go
from msgspec import Struct

from tbp.figures.growth import GrowthLine
from tbp.figures.schedule import ScheduleCurve, schedule_figure
from tbp.model.changes import History
from tbp.model.series import Parameters, SeriesKey, Setup
from tbp.report.parts.addresses import page_file
from tbp.report.parts.growth import scalings
from tbp.report.parts.series_names import Dimension, SetupNames, dimensions
from tbp.report.parts.series_order import family_of, natural
from tbp.wording import verdicts

TIME, MEMORY = "Time per call", "Peak memory"

MOST_SUITES = 12
"""On the page, with two charts of about 3 kB each; those that come first by name."""

MOST_STEPS = 1000
"""The most rates of a schedule in its chart, which is about as many pixels wide; a longer one is thinned."""

_TIMED = re.compile(r"(?i)^(torchtime|timeraw|time)_?")
_PEAK = re.compile(r"(?i)^(track_)?peak_?(mem|bytes)")
_TWIN = re.compile(r"_twin\b")


class GrowthChart(Struct, frozen=True):
    """One quantity of a suite's compared variants over one parameter."""

    quantity: str  # TIME or MEMORY
    file: str  # the page of its benchmark
    lines: tuple[GrowthLine, ...]
    more: int  # lines that are not shown
    figure: go.Figure


class SuiteScaling(Struct, frozen=True):
    """The charts of one suite over one parameter on one setup: time beside memory."""

    suite: str
    parameter: str
    setup_name: str
    charts: tuple[GrowthChart, ...]


class ScheduleChart(Struct, frozen=True):
    """The learning rates of a family's schedules."""

    family: str
    file: str
    figure: go.Figure
    curves: tuple[ScheduleCurve, ...]


class ScalingSection(Struct, frozen=True):
    """All that the section shows."""

    suites: tuple[SuiteScaling, ...]
    left_out: int  # suites that are not shown
    schedules: tuple[ScheduleChart, ...]

    @property
    def figures(self) -> tuple[go.Figure, ...]:
        """The figures in the order of the page."""
        grown = (chart.figure for suite in self.suites for chart in suite.charts)
        return (*grown, *(schedule.figure for schedule in self.schedules))


def scaling_section_of(
    compared: Collection[SeriesKey], histories: Sequence[History], setup_names: SetupNames
) -> ScalingSection | None:
    """The section of a page whose claims compare the series ``compared``; None where there is nothing to draw."""
    suites = suite_scalings(compared, histories, setup_names)
    schedules = schedule_charts(histories)
    shown = suites[:MOST_SUITES]
    return ScalingSection(shown, len(suites) - len(shown), schedules) if suites or schedules else None


def suite_scalings(
    compared: Collection[SeriesKey], histories: Sequence[History], setup_names: SetupNames
) -> tuple[SuiteScaling, ...]:
    """Time and peak memory of ``compared``, for each numeric parameter with enough sizes for a chart.

    The memory of a timed series is that of the same parameters in its suite, whoever claims something of it.
    """
    cells = {_cell(key) for key in compared}
    groups: dict[tuple[str, Setup], dict[str, list[History]]] = {}
    for history in histories:
        quantity = _quantity(history)
        if quantity and _cell(history.key) in cells and math.isfinite(verdicts.newest_value(history)):
            of_suite = groups.setdefault((_suite(history.key), history.key.setup), {})
            of_suite.setdefault(quantity, []).append(history)
    ordered = sorted(groups.items(), key=lambda entry: (natural(entry[0][0]), entry[0][1]))
    return tuple(
        scaling
        for (suite, setup), by_quantity in ordered
        for scaling in _of_suite(suite, setup_names.name(setup), by_quantity)
    )


def _of_suite(suite: str, setup_name: str, by_quantity: Mapping[str, Sequence[History]]) -> Iterable[SuiteScaling]:
    by_parameter: dict[str, list[GrowthChart]] = {}
    for quantity in sorted(by_quantity, reverse=True):  # time before memory
        histories = by_quantity[quantity]
        file = page_file(histories[0].key.benchmark)
        for scaling in scalings(histories, dimensions([history.key for history in histories]), by_name=True):
            if scaling.chart is not None:
                chart = GrowthChart(quantity, file, scaling.lines, scaling.more, scaling.chart)
                by_parameter.setdefault(scaling.parameter, []).append(chart)
    for parameter, charts in by_parameter.items():
        yield SuiteScaling(suite, parameter, setup_name, tuple(charts))


def schedule_charts(histories: Sequence[History]) -> tuple[ScheduleChart, ...]:
    """A chart for each family of suites that records learning rates; schedules with the same rates are one curve."""
    families: dict[str, list[History]] = {}
    for history in histories:
        if history.cell is not None and history.cell.counted.learning_rates:
            families.setdefault(family_of(history.key.benchmark), []).append(history)
    return tuple(_schedule_chart(family, families[family]) for family in sorted(families))


def _schedule_chart(family: str, histories: Sequence[History]) -> ScheduleChart:
    differ = [dimension for dimension in dimensions([history.key for history in histories]) if not dimension.is_place]
    names: dict[tuple[float, ...], list[str]] = {}
    for history in histories:
        assert history.cell is not None
        names.setdefault(history.cell.counted.learning_rates, []).append(_schedule_name(history.key, differ))
    curves = tuple(ScheduleCurve(", ".join(_once(several)), *_thinned(rates)) for rates, several in names.items())
    return ScheduleChart(family, page_file(histories[0].key.benchmark), schedule_figure(curves), curves)


def _schedule_name(key: SeriesKey, differ: Sequence[Dimension]) -> str:
    """The value of the first parameter in which the schedules differ, which names the variant."""
    values = [dimension.value_of(key) for dimension in differ]
    return next((value for value in values if value is not None), key.label or key.benchmark)


def _once(names: Sequence[str]) -> list[str]:
    """Each name once, without twins: they have the rates of their original."""
    originals = [name for name in names if not _TWIN.search(name)]
    return sorted(set(originals or names), key=natural)


def _thinned(rates: tuple[float, ...]) -> tuple[tuple[float, ...], int]:
    """At most MOST_STEPS of the rates, and the steps from one of them to the next."""
    every = math.ceil(len(rates) / MOST_STEPS)
    return rates[::every], every


def _quantity(history: History) -> str:
    """TIME or MEMORY; empty where it is neither time nor peak memory."""
    method = history.key.benchmark.rpartition(".")[2]
    if history.unit == "seconds" and _TIMED.search(method):
        return TIME
    return MEMORY if history.unit == "bytes" and _PEAK.search(method) else ""


def _suite(key: SeriesKey) -> str:
    return key.benchmark.rpartition(".")[0] or key.benchmark


def _cell(key: SeriesKey) -> tuple[str, Parameters, Setup]:
    return _suite(key), key.parameters, key.setup
