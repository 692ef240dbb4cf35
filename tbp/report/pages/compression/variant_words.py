"""The words of the compression page: the time, size and error of a variant against its baseline or its rival."""

from __future__ import annotations

import math

from tbp.report.pages.compression.pareto import ChoiceRank
from tbp.report.pages.compression.variants import Variant, VariantGroup, better_in, is_same_time
from tbp.wording import words

SAME_SIZE = 0.005

TINY = 1e-5
"""Relative errors below this are rounding: no reader weighs them."""


def said(variant: Variant, group: VariantGroup) -> str:
    """``int8_dynamic: 45 % faster, 4.0 × smaller, relative error 0.21 %``."""
    error = [_error_said(variant)] if math.isfinite(variant.error) else []
    changes = [time_change(variant, group.baseline), size_change(variant, group.baseline), *error]
    return f"{variant.name}: {', '.join(changes)}"


def found(variant: Variant, group: VariantGroup) -> str:
    """``said``, and whether the variant is worth leaving the baseline for."""
    if variant.rank is not ChoiceRank.UNDECIDED:
        return said(variant, group)
    return f"{said(variant, group)}; maybe worth choosing: {doubt(variant, rival_of(variant, group))}"


def time_change(variant: Variant, baseline: Variant) -> str:
    """``45 % faster``; only beyond the noise. With noise that would hide what matters, no difference is not claimed."""
    if is_same_time(variant, baseline):
        if variant.is_sure and baseline.is_sure:
            return "as fast"
        return f"time undecided (±{words.percent(max(variant.uncertain, baseline.uncertain))})"
    change = variant.time_s / baseline.time_s - 1
    return f"{words.percent(abs(change))} {'slower' if change > 0 else 'faster'}"


def size_change(variant: Variant, baseline: Variant) -> str:
    """``4.0 × smaller``; below a factor of 1.05 in percent."""
    ratio = baseline.size_bytes / variant.size_bytes
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


def error_text(value: float, is_share: bool) -> str:
    """``0.21 %``, ``0.000015 %`` of an error that is a share; of any other its magnitude, as ``2.1e−3``."""
    if not is_share or not math.isfinite(value):
        return scientific(value)
    return _percent(value)


def _error_said(variant: Variant) -> str:
    """For a sentence, where digits of what is next to nothing tell nothing."""
    value = variant.error
    if not variant.is_share:
        return f"{variant.error_name} {scientific(value)}"
    return f"{variant.error_name} {'under 0.001 %' if 0 < value < TINY else _percent(value)}"


def _percent(ratio: float) -> str:
    """To two digits, however small, and never with an exponent."""
    if not ratio:
        return "0 %"
    places = max(0, 1 - math.floor(math.log10(abs(ratio * 100))))
    text = f"{ratio * 100:.{places}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def rival_of(variant: Variant, group: VariantGroup) -> Variant:
    return next(other for other in group.variants if other.name == variant.rival)


def doubt(variant: Variant, rival: Variant) -> str:
    """The reason why ``variant`` may not be worth choosing."""
    better, unsure = words.joined(better_in(rival, variant)), words.percent(max(variant.uncertain, rival.uncertain))
    if better:
        return f"{rival.name} is {better}, and which of the two is faster is undecided (±{unsure})"
    return f"{rival.name} is no worse on the other measures, and which of the two is faster is undecided (±{unsure})"
