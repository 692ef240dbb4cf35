"""The compression page as data: what each variant of a model costs in time, bytes and error, in words and charts.

Takes ``ReportData``, gives words and coordinates; which variants are worth it is decided in ``compression_data``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tbp.report import words
from tbp.report.chart_data import WIDE
from tbp.report.compression_data import Group, Variant, groups, is_same_time
from tbp.report.model import ReportData
from tbp.report.places import Places, series_href
from tbp.report.scatter import Axis, Scatter, scatter

MOST_GROUPS = 12
"""On the page, 12 kB each."""

SAME_SIZE = 0.005


@dataclass(frozen=True)
class Row:
    """One variant in the table; changes are against the baseline."""

    name: str
    href: str
    time: str
    time_change: str
    size: str
    size_change: str
    error: str
    remark: str
    merit: str  # "worth taking", "not ruled out" where its time is unsure, or empty


@dataclass(frozen=True)
class Section:
    """One model on one device."""

    title: str
    common: str  # parameters that all variants share
    place: str
    findings: tuple[str, ...]  # a sentence for each variant on the front
    baseline: str
    charts: tuple[Scatter, ...]
    rows: tuple[Row, ...]
    has_error: bool
    missing: tuple[str, ...]


@dataclass(frozen=True)
class CompressionPage:
    verdict: str
    sections: tuple[Section, ...]
    left_out: int


def compression_page(data: ReportData) -> CompressionPage:
    """Every suite that has time and model bytes of several variants."""
    found = groups(data.histories)
    places = Places.of(data.histories)
    return CompressionPage(
        _verdict(found),
        tuple(_section(group, places) for group in found[:MOST_GROUPS]),
        max(0, len(found) - MOST_GROUPS),
    )


def said(one: Variant, group: Group) -> str:
    """``int8_dynamic: 45 % faster, 4.0 × smaller, error 2.1e−3``."""
    error = [f"error {scientific(one.error)}"] if math.isfinite(one.error) else []
    return f"{one.name}: {', '.join([time_change(one, group.baseline), size_change(one, group.baseline), *error])}"


def time_change(one: Variant, baseline: Variant) -> str:
    """``45 % faster``; only beyond the noise. With noise that would hide what matters, no difference is not claimed."""
    if is_same_time(one, baseline):
        if one.is_sure and baseline.is_sure:
            return "as fast"
        return f"time undecided (±{words.percent(max(one.uncertain, baseline.uncertain))})"
    change = one.time_s / baseline.time_s - 1
    return f"{words.percent(abs(change))} {'slower' if change > 0 else 'faster'}"


def size_change(one: Variant, baseline: Variant) -> str:
    """``4.0 × smaller``; below a factor of 1.05 in percent."""
    ratio = baseline.size_bytes / one.size_bytes
    word = "smaller" if ratio > 1 else "larger"
    if abs(ratio - 1) <= SAME_SIZE:
        return "as large"
    factor = max(ratio, 1 / ratio)
    return f"{factor:.1f} × {word}" if factor >= 1.05 else f"{words.percent(factor - 1)} {word}"


def scientific(value: float) -> str:
    """``2.1e−3``, ``0``; with a minus sign, after which no line breaks."""
    if not math.isfinite(value):
        return words.UNKNOWN
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}".replace("-", "−") if value else "0"


def _verdict(found: Sequence[Group]) -> str:
    if not found:
        return "No suite records both the time and the size of a model."
    gains = [
        (one.time_s / group.baseline.time_s, one, group)
        for group in found
        for one in group.variants
        if one.on_front and not is_same_time(one, group.baseline) and one.time_s < group.baseline.time_s
    ]
    if gains:
        _, best, group = min(gains, key=lambda gain: gain[0])
        return f"Fastest is {said(best, group)}, against {group.baseline.name}."
    _, best, group = min(
        ((one.size_bytes / group.baseline.size_bytes, one, group) for group in found for one in group.variants),
        key=lambda gain: gain[0],
    )
    nothing = "No variant is faster than its baseline beyond the noise"
    is_smaller = best.size_bytes < group.baseline.size_bytes * (1 - SAME_SIZE)
    return f"{nothing}; smallest is {said(best, group)}." if is_smaller else f"{nothing}, and none is smaller."


def _section(group: Group, places: Places) -> Section:
    worth = [one for one in group.variants if one.on_front and one.name != group.baseline.name]
    return Section(
        title=group.suite,
        common=", ".join(f"{name}={value}" for name, value in group.common),
        place=places.name(group.machine, group.environment),
        findings=tuple(said(one, group) for one in worth),
        baseline=group.baseline.name,
        charts=tuple(_charts(group)),
        rows=tuple(_row(one, group) for one in group.variants),
        has_error=any(math.isfinite(one.error) for one in group.variants),
        missing=group.missing,
    )


def _charts(group: Group) -> list[Scatter]:
    """Latency against size, and against error where every variant has one above zero."""
    time_factor, time_unit = words.scale_of(max(one.time_s for one in group.variants), words.SECONDS)
    size_factor, size_unit = words.scale_of(max(one.size_bytes for one in group.variants), words.BYTES)
    time = _axis(f"time per call, {time_unit}", [one.time_s / time_factor for one in group.variants])
    size = _axis(f"size, {size_unit}", [one.size_bytes / size_factor for one in group.variants])
    names = [one.name for one in group.variants]
    kinds = ["twin" if one.is_twin else "front" if one.on_front else "other" for one in group.variants]
    titles = [said(one, group) for one in group.variants]
    charts = [scatter("Time against size", time, size, names, kinds, titles)]
    errors = [one.error for one in group.variants]
    if all(error > 0 for error in errors):
        error = Axis("error", errors, lambda value: f"1e{round(math.log10(value))}".replace("-", "−"), is_log=True)
        charts.append(scatter("Time against error", time, error, names, kinds, titles))
    return charts


def _axis(title: str, values: Sequence[float]) -> Axis:
    is_log = max(values) / min(values) >= WIDE  # as in the history charts
    return Axis(f"{title}{', logarithmic' if is_log else ''}", values, lambda value: f"{value:.4g}", is_log)


def _row(one: Variant, group: Group) -> Row:
    is_baseline = one.name == group.baseline.name
    newest = max(other.commit.date for other in group.variants)
    remarks = (
        ["baseline"] if is_baseline else ["A/A twin: the same work again, so it shows the noise"] if one.is_twin else []
    )
    if one.commit.date != newest:
        remarks.append(f"at {one.commit.short} ({words.moment(one.commit.date)}), older than the others")
    return Row(
        name=one.name,
        href=series_href(one.history),
        time=words.quantity(one.time_s, "seconds"),
        time_change="" if is_baseline else time_change(one, group.baseline),
        size=words.quantity(one.size_bytes, "bytes"),
        size_change="" if is_baseline else size_change(one, group.baseline),
        error=scientific(one.error),
        remark="; ".join(remarks),
        merit="" if not one.on_front else "worth taking" if one.is_sure else "not ruled out",
    )
