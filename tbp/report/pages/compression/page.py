"""The compression page as data: what each variant of a model costs in time, bytes and error, in words and charts.

Takes ``ReportData``, gives words and coordinates; which variants are worth it is decided in ``compression_data``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from tbp.report.base.report_data import ReportData
from tbp.report.data.history_chart import WIDE
from tbp.report.pages.compression.pareto import Place
from tbp.report.pages.compression.scatter import Axis, Scatter, scatter
from tbp.report.pages.compression.variants import RELATIVE, Group, Variant, better_in, groups, is_same_time
from tbp.report.parts.places import Places, series_href
from tbp.wording import words

MOST_GROUPS = 12
"""On the page, 12 kB each."""

SAME_SIZE = 0.005

TINY = 1e-5
"""Relative errors below this are rounding: no reader weighs them."""


class Row(Struct, frozen=True):
    """One variant in the table; changes are against the baseline."""

    name: str
    href: str
    time: str
    time_change: str
    size: str
    size_change: str
    error: str
    remark: str
    merit: str  # "worth taking", or "not ruled out" where that hangs on an undecided time; else empty
    kind: str  # of its mark: "front", "maybe", "other" or "twin"


class Section(Struct, frozen=True):
    """One model on one device."""

    title: str
    common: str  # parameters that all variants share
    place: str
    findings: tuple[str, ...]  # a sentence for each variant on the front
    baseline: str
    charts: tuple[Scatter, ...]
    rows: tuple[Row, ...]
    has_error: bool
    is_relative: bool  # whether the errors are relative ones
    missing: tuple[str, ...]


class CompressionPage(Struct, frozen=True):
    verdict: str
    sections: tuple[Section, ...]
    left_out: int

    @property
    def is_relative(self) -> bool:
        return any(section.is_relative for section in self.sections)


def compression_page(data: ReportData) -> CompressionPage:
    """Every suite that has time and model bytes of several variants."""
    found = groups(data.histories)
    places = Places.of(data.histories, data.faces)
    return CompressionPage(
        _verdict(found),
        tuple(_section(group, places) for group in found[:MOST_GROUPS]),
        max(0, len(found) - MOST_GROUPS),
    )


def said(one: Variant, group: Group) -> str:
    """``int8_dynamic: 45 % faster, 4.0 × smaller, relative error 0.21 %``."""
    error = [_error_said(one.error, one.is_relative)] if math.isfinite(one.error) else []
    return f"{one.name}: {', '.join([time_change(one, group.baseline), size_change(one, group.baseline), *error])}"


def found(one: Variant, group: Group) -> str:
    """The same, and whether it is worth leaving the baseline for."""
    if one.place is not Place.UNDECIDED:
        return said(one, group)
    return f"{said(one, group)}; not ruled out: {_doubt(one, _rival(one, group))}"


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


def error_text(value: float, is_relative: bool) -> str:
    """``0.21 %``, ``0.000015 %`` of a relative error; what else a suite declares by its magnitude, as ``2.1e−3``."""
    if not is_relative or not math.isfinite(value):
        return scientific(value)
    return _percent(value)


def _error_said(value: float, is_relative: bool) -> str:
    """For a sentence, where digits of what is next to nothing tell nothing."""
    if not is_relative:
        return f"error {scientific(value)}"
    return f"{RELATIVE} {'under 0.001 %' if 0 < value < TINY else _percent(value)}"


def _percent(ratio: float) -> str:
    """To two digits, however small, and never with an exponent."""
    if not ratio:
        return "0 %"
    places = max(0, 1 - math.floor(math.log10(abs(ratio * 100))))
    text = f"{ratio * 100:.{places}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def _rival(one: Variant, group: Group) -> Variant:
    return next(other for other in group.variants if other.name == one.rival)


def _doubt(one: Variant, rival: Variant) -> str:
    """Why ``one`` may not be worth taking."""
    better, unsure = _joined(better_in(rival, one)), words.percent(max(one.uncertain, rival.uncertain))
    if better:
        return f"{rival.name} is {better}, and which of the two is faster is undecided (±{unsure})"
    return f"{rival.name} is no worse in the rest, and which of the two is faster is undecided (±{unsure})"


def _joined(adjectives: Sequence[str]) -> str:
    """``faster, smaller and more exact``."""
    *most, last = adjectives or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _verdict(found: Sequence[Group]) -> str:
    if not found:
        return "No suite records both the time and the size of a model."
    gains = [
        (one.time_s / group.baseline.time_s, one, group)
        for group in found
        for one in group.variants
        if one.is_candidate and not is_same_time(one, group.baseline) and one.time_s < group.baseline.time_s
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
    worth = [one for one in group.variants if one.is_candidate and not is_as_baseline(one, group)]
    worth.sort(key=lambda one: one.place is Place.UNDECIDED)
    return Section(
        title=group.suite,
        common=", ".join(f"{name}={value}" for name, value in group.common),
        place=places.name(group.machine, group.environment),
        findings=tuple(found(one, group) for one in worth),
        baseline=group.baseline.name,
        charts=tuple(_charts(group)),
        rows=tuple(_row(one, group) for one in group.variants),
        has_error=any(math.isfinite(one.error) for one in group.variants),
        is_relative=any(one.is_relative for one in group.variants),
        missing=group.missing,
    )


def is_as_baseline(one: Variant, group: Group) -> bool:
    """Whether it is the baseline, or nothing tells it from the baseline: no reason to leave that."""
    base = group.baseline
    is_sure = one.is_sure and base.is_sure
    return one.name == base.name or (
        is_sure and is_same_time(one, base) and not better_in(one, base) and not better_in(base, one)
    )


def _kind(one: Variant) -> str:
    if one.is_twin:
        return "twin"
    return {Place.ON_FRONT: "front", Place.UNDECIDED: "maybe", Place.BEATEN: "other"}[one.place]


def _charts(group: Group) -> list[Scatter]:
    """Latency against size, and against error where every variant has one above zero."""
    time_factor, time_unit = words.scale_of(max(one.time_s for one in group.variants), words.SECONDS)
    size_factor, size_unit = words.scale_of(max(one.size_bytes for one in group.variants), words.BYTES)
    time = _axis(f"time per call, {time_unit}", [one.time_s / time_factor for one in group.variants])
    size = _axis(f"size, {size_unit}", [one.size_bytes / size_factor for one in group.variants])
    names = [one.name for one in group.variants]
    kinds = [_kind(one) for one in group.variants]
    titles = [said(one, group) for one in group.variants]
    charts = [scatter("Time against size", time, size, names, kinds, titles)]
    errors = [one.error for one in group.variants]
    if all(error > 0 for error in errors):
        title = RELATIVE if group.variants[0].is_relative else "error"
        error = Axis(
            f"{title}, logarithmic", errors, lambda value: error_text(value, group.variants[0].is_relative), is_log=True
        )
        charts.append(scatter("Time against error", time, error, names, kinds, titles))
    return charts


def _axis(title: str, values: Sequence[float]) -> Axis:
    is_log = max(values) / min(values) >= WIDE  # as in the history charts
    return Axis(f"{title}{', logarithmic' if is_log else ''}", values, lambda value: f"{value:.4g}", is_log)


def _row(one: Variant, group: Group) -> Row:
    is_baseline = one.name == group.baseline.name
    newest = max(other.commit.date for other in group.variants)
    remarks = ["baseline"] if is_baseline else [_why(one, group)]
    remarks = list(filter(None, remarks))
    if one.commit.date != newest:
        remarks.append(f"at {one.commit.short} ({words.moment(one.commit.date)}), older than the others")
    return Row(
        name=one.name,
        href=series_href(one.history),
        time=words.quantity(one.time_s, "seconds"),
        time_change="" if is_baseline else time_change(one, group.baseline),
        size=words.quantity(one.size_bytes, "bytes"),
        size_change="" if is_baseline else size_change(one, group.baseline),
        error=error_text(one.error, one.is_relative),
        remark="; ".join(remarks),
        merit=_merit(one, group),
        kind=_kind(one),
    )


def _merit(one: Variant, group: Group) -> str:
    if one.is_twin or not one.is_candidate:
        return ""
    if one.place is Place.UNDECIDED:
        return "not ruled out"
    return "" if is_as_baseline(one, group) and one.name != group.baseline.name else "worth taking"


def _why(one: Variant, group: Group) -> str:
    """Which comparison keeps a variant that is no baseline from being worth taking, and how sure it is."""
    if one.is_twin:
        return "A/A twin: the same work again, so it shows the noise"
    if is_as_baseline(one, group):
        return f"as {group.baseline.name} in everything"
    if not one.rival:
        return ""
    rival = _rival(one, group)
    better = _joined(better_in(rival, one))
    if one.place is Place.BEATEN:
        return f"{rival.name} is {better}, and no worse in the rest"
    return _doubt(one, rival)
