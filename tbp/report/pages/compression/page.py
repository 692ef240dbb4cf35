"""The compression page as data: what each variant of a model costs in time, bytes and error, in words and charts.

Takes ``ReportData``, gives words and figures; which variants are worth it is decided in ``pareto``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from msgspec import Struct

from tbp.figures.compression import Axis, Spot, compression_figure
from tbp.figures.history import WIDE
from tbp.figures.look import shipped
from tbp.report.base.report_data import ReportData
from tbp.report.pages.compression.pareto import ChoiceRank
from tbp.report.pages.compression.variant_words import (
    SAME_SIZE,
    doubt,
    error_text,
    found,
    rival_of,
    said,
    size_change,
    time_change,
)
from tbp.report.pages.compression.variants import (
    ERROR,
    RELATIVE,
    Variant,
    VariantGroup,
    better_in,
    groups,
    is_same_time,
)
from tbp.report.parts.addresses import series_href
from tbp.report.parts.series_names import SetupNames
from tbp.wording import words

MOST_GROUPS = 12
"""On the page, 12 kB each."""


class VariantRow(Struct, frozen=True):
    """One variant in the table; changes are against the baseline."""

    name: str
    href: str
    time: str
    time_change: str
    size: str
    size_change: str
    error: str
    remark: str
    merit: str  # "worth choosing", or "maybe worth choosing" where that hangs on an undecided time; else empty
    kind: str  # of its mark: "front", "maybe", "other" or "twin"


class CostChart(Struct, frozen=True):
    """Two of the costs of all variants."""

    name: str
    figure: go.Figure


class CompressionSection(Struct, frozen=True):
    """One model on one device."""

    title: str
    common: str  # parameters that all variants share
    setup_name: str
    findings: tuple[str, ...]  # a sentence for each variant on the front
    baseline: str
    charts: tuple[CostChart, ...]
    rows: tuple[VariantRow, ...]
    has_error: bool
    error_name: str  # of the table's column
    missing: tuple[str, ...]


class CompressionPage(Struct, frozen=True):
    verdict: str
    sections: tuple[CompressionSection, ...]
    left_out: int

    @property
    def figures(self) -> list[dict[str, object]]:
        """The charts that ``static/pages/compression.js`` draws, in the order of the page."""
        return [shipped(chart.figure) for section in self.sections for chart in section.charts]

    @property
    def is_relative(self) -> bool:
        return any(section.error_name == RELATIVE for section in self.sections)


def compression_page(data: ReportData) -> CompressionPage:
    """Every suite that has time and model bytes of several variants."""
    shown = groups(data.histories)
    setup_names = SetupNames.of(data.histories, data.faces)
    return CompressionPage(
        _verdict(shown),
        tuple(_section(group, setup_names) for group in shown[:MOST_GROUPS]),
        max(0, len(shown) - MOST_GROUPS),
    )


def _verdict(shown: Sequence[VariantGroup]) -> str:
    if not shown:
        return "No suite records both the time and the size of a model."
    gains = [
        (variant.time_s / group.baseline.time_s, variant, group)
        for group in shown
        for variant in group.variants
        if variant.is_candidate and not is_same_time(variant, group.baseline) and variant.time_s < group.baseline.time_s
    ]
    if gains:
        _, best, group = min(gains, key=lambda gain: gain[0])
        return f"Fastest is {said(best, group)}, against {group.baseline.name}."
    sizes = [
        (variant.size_bytes / group.baseline.size_bytes, variant, group)
        for group in shown
        for variant in group.variants
    ]
    _, best, group = min(sizes, key=lambda size: size[0])
    nothing = "No variant is faster than its baseline by more than noise"
    is_smaller = best.size_bytes < group.baseline.size_bytes * (1 - SAME_SIZE)
    return f"{nothing}; smallest is {said(best, group)}." if is_smaller else f"{nothing}, and none is smaller."


def _section(group: VariantGroup, setup_names: SetupNames) -> CompressionSection:
    worth = [variant for variant in group.variants if variant.is_candidate and not is_as_baseline(variant, group)]
    worth.sort(key=lambda variant: variant.rank is ChoiceRank.UNDECIDED)
    return CompressionSection(
        title=group.suite,
        common=", ".join(f"{name}={value}" for name, value in group.common),
        setup_name=setup_names.name(group.setup),
        findings=tuple(found(variant, group) for variant in worth),
        baseline=group.baseline.name,
        charts=cost_charts(group),
        rows=tuple(_row(variant, group) for variant in group.variants),
        has_error=any(math.isfinite(variant.error) for variant in group.variants),
        error_name=next((variant.error_name for variant in group.variants if variant.is_share), ERROR),
        missing=group.missing,
    )


def is_as_baseline(variant: Variant, group: VariantGroup) -> bool:
    """True for the baseline, and for a variant that nothing tells from it: no reason to leave the baseline."""
    base = group.baseline
    is_sure = variant.is_sure and base.is_sure
    return variant.name == base.name or (
        is_sure and is_same_time(variant, base) and not better_in(variant, base) and not better_in(base, variant)
    )


def _kind(variant: Variant) -> str:
    if variant.is_twin:
        return "twin"
    return {ChoiceRank.ON_FRONT: "front", ChoiceRank.UNDECIDED: "maybe", ChoiceRank.BEATEN: "other"}[variant.rank]


def cost_charts(group: VariantGroup) -> tuple[CostChart, ...]:
    """Time against size, and against error where every variant has one above zero."""
    time_factor, time_unit = words.scale_of(max(variant.time_s for variant in group.variants), words.SECONDS)
    size_factor, size_unit = words.scale_of(max(variant.size_bytes for variant in group.variants), words.BYTES)
    times = [variant.time_s / time_factor for variant in group.variants]
    sizes = [variant.size_bytes / size_factor for variant in group.variants]
    time = _axis(f"time per call in {time_unit}", times)
    charts = [_chart("Time against size", group, time, times, _axis(f"model size in {size_unit}", sizes), sizes)]
    errors = [variant.error for variant in group.variants]
    if all(error > 0 for error in errors):
        is_share = group.variants[0].is_share
        error = Axis(group.variants[0].error_name, is_log=True, text=lambda value: error_text(value, is_share))
        charts.append(_chart("Time against error", group, time, times, error, errors))
    return tuple(charts)


def _chart(name: str, group: VariantGroup, x: Axis, xs: Sequence[float], y: Axis, ys: Sequence[float]) -> CostChart:
    spots = [
        Spot(across, up, variant.name, _kind(variant), said(variant, group))
        for across, up, variant in zip(xs, ys, group.variants, strict=True)
    ]
    return CostChart(name, compression_figure(x, y, spots))


def _axis(title: str, values: Sequence[float]) -> Axis:
    is_log = max(values) / min(values) >= WIDE  # as in the history charts
    return Axis(f"{title}{', logarithmic' if is_log else ''}", is_log)


def _row(variant: Variant, group: VariantGroup) -> VariantRow:
    is_baseline = variant.name == group.baseline.name
    newest = max(other.commit.date for other in group.variants)
    remarks = ["baseline" if is_baseline else _why(variant, group)]
    if variant.commit.date != newest:
        remarks.append(
            f"measured at {variant.commit.short} ({words.moment(variant.commit.date)}), before the other variants"
        )
    return VariantRow(
        name=variant.name,
        href=series_href(variant.history),
        time=words.quantity(variant.time_s, "seconds"),
        time_change="" if is_baseline else time_change(variant, group.baseline),
        size=words.quantity(variant.size_bytes, "bytes"),
        size_change="" if is_baseline else size_change(variant, group.baseline),
        error=error_text(variant.error, variant.is_share),
        remark="; ".join(filter(None, remarks)),
        merit=_merit(variant, group),
        kind=_kind(variant),
    )


def _merit(variant: Variant, group: VariantGroup) -> str:
    if variant.is_twin or not variant.is_candidate:
        return ""
    if variant.rank is ChoiceRank.UNDECIDED:
        return "maybe worth choosing"
    return "" if is_as_baseline(variant, group) and variant.name != group.baseline.name else "worth choosing"


def _why(variant: Variant, group: VariantGroup) -> str:
    """Which comparison keeps a variant that is no baseline from being worth choosing, and how sure it is."""
    if variant.is_twin:
        return "A/A twin: the same work again, so the difference is noise"
    if is_as_baseline(variant, group):
        return f"equal to {group.baseline.name} on every measure"
    if not variant.rival:
        return ""
    rival = rival_of(variant, group)
    better = words.joined(better_in(rival, variant))
    if variant.rank is ChoiceRank.BEATEN:
        return f"{rival.name} is {better}, and no worse on the other measures"
    return doubt(variant, rival)
