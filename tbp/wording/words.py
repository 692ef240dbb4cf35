"""Numbers in words: durations, bytes, effects and the sentences that state a verdict.

Takes numbers and histories, gives plain text; escaping belongs to the template, drawing to ``figures``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from tbp.model.effects import CONFIDENCE, effect_size
from tbp.system.foreign_text import visible as visible

MOST_SHOWN = 80  # characters of somebody's name or value in a message

UNKNOWN = "–"
"""Stands for a number there is none of."""

# (one of the unit in base units, its symbol), smallest first.
SECONDS = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"))
BYTES = ((1.0, "B"), (1024.0, "KiB"), (1024.0**2, "MiB"), (1024.0**3, "GiB"), (1024.0**4, "TiB"))
# Of numbers whose unit nobody recorded: nobody reads the nine digits of 538,968,064.
PLAIN = ((1.0, ""), (1e6, "M"), (1e9, "G"), (1e12, "T"))
FLOP = ((1.0, "FLOP"), (1e3, "kFLOP"), (1e6, "MFLOP"), (1e9, "GFLOP"), (1e12, "TFLOP"))

NO_UNIT = ("unit", "")
"""The names that asv gives the unit of a ``track_`` benchmark that declares none."""

PERCENTAGES = ("%", "percent", "percentage", "pct")
"""Units whose changes are told in points: 61 % → 64 % is +3.0 points, and not +4.9 %."""


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last one an ellipsis where there were more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def significant(value: float) -> str:
    """Three significant digits without an exponent, larger numbers whole: ``4.10``, ``41.0``, ``12,345``."""
    if not math.isfinite(value):
        return UNKNOWN
    size = abs(value)
    if size == 0:
        return "0"
    # A number that rounds up gains a digit before the point: 9.996 is 10.0, not 10.00.
    exponent = int(f"{size:.2e}".split("e")[1])
    if exponent < -6:
        return f"{value:.2e}".replace("-", "−")
    return f"{value:,.{max(0, 2 - exponent)}f}".replace("-", "−")


def small(value: float) -> str:
    """A number that may be many powers of ten below 1: ``0``, ``4.1e-07``, ``0.0123``."""
    return f"{value:.3g}" if math.isfinite(value) else UNKNOWN


def scale_of(size: float, scales: Sequence[tuple[float, str]]) -> tuple[float, str]:
    """The largest unit in which ``size`` is at least one, after rounding to three digits."""
    for scale in reversed(scales):
        if abs(size) / scale[0] >= 0.9995:  # is shown as 1.00
            return scale
    return scales[0]


def scales_of(unit: str) -> Sequence[tuple[float, str]]:
    """The units a value in ``unit`` may be shown in; seconds, bytes and numbers without a unit have several."""
    if unit in NO_UNIT:
        return PLAIN
    return {"seconds": SECONDS, "bytes": BYTES}.get(unit, ((1.0, unit),))


def quantity(value: float, unit: str) -> str:
    """A value with its unit: ``4.10 ms``, ``12.0 MiB``, ``8 calls``, ``539 M``; ``–`` for NaN and infinities."""
    if not math.isfinite(value):
        return UNKNOWN
    scales = scales_of(unit)
    # 0 s would be too grand of a time.
    factor, symbol = scale_of(value, scales) if value else scales[1 if scales is SECONDS else 0]
    is_count = scales not in (SECONDS, BYTES) and factor == 1 and value == round(value)
    return f"{whole(value) if is_count else significant(value / factor)} {symbol}".strip()


def whole(value: float) -> str:
    """A whole number: ``8``, ``−12,345``."""
    return f"{int(value):,}".replace("-", "−")


def signed_difference(before: float, after: float, unit: str) -> str:
    """The move of a value in its unit: ``+22.2 ms``, ``−3 calls``, of a percentage ``+3.0 points``."""
    size = points(after - before) if unit in PERCENTAGES else quantity(after - before, unit)
    return f"+{size}" if math.isfinite(after - before) and after > before else size


def microseconds(value_us: float) -> str:
    """A time given in µs: ``412 µs``, ``1.84 ms``."""
    return quantity(value_us * 1e-6, "seconds")


def signed_microseconds(value_us: float) -> str:
    """A difference of times given in µs, with its sign: ``+248 µs``, ``−6.00 µs``."""
    words = microseconds(value_us)
    return f"+{words}" if math.isfinite(value_us) and value_us > 0 else words


def calls(per_step: float) -> str:
    """Calls in a step: ``24``, ``0.50``."""
    if math.isfinite(per_step) and per_step == round(per_step):
        return f"{int(per_step):,}"
    return significant(per_step)


def flop(number: float) -> str:
    """``131 GFLOP``: three digits, of a number whose last ones nobody asks for; ``–`` for NaN."""
    if not math.isfinite(number):
        return UNKNOWN
    factor, symbol = scale_of(number, FLOP)
    return f"{significant(number / factor)} {symbol}"


def percent(ratio: float) -> str:
    """``12 %``, below ten with one decimal: ``6.1 %``; ``–`` where there is no ratio."""
    if not math.isfinite(ratio):
        return UNKNOWN
    size = abs(ratio) * 100
    digits = 1 if 0 < size < 9.95 else 0
    return f"{'−' if ratio < 0 else ''}{size:,.{digits}f} %"


def signed_percent(ratio: float) -> str:
    """``+12 %``, ``−6.1 %``, ``0 %``."""
    return f"+{percent(ratio)}" if math.isfinite(ratio) and ratio > 0 else percent(ratio)


def points(difference: float) -> str:
    """A difference of percentages: ``3.0 points``, ``12 points``, ``−0.040 points``; ``–`` where there is none."""
    if not math.isfinite(difference):
        return UNKNOWN
    size = abs(difference)
    shown = f"{size:,.0f}" if size >= 9.95 else f"{size:.1f}" if size >= 0.095 else f"{size:.2g}"
    return f"{'−' if difference < 0 else ''}{shown} points"


def signed_points(difference: float) -> str:
    """``+3.0 points``, ``−12 points``, ``0 points``."""
    return f"+{points(difference)}" if math.isfinite(difference) and difference > 0 else points(difference)


def signed_size(before: float, after: float, unit: str) -> str:
    """The move of a value relative to the value before: ``+12 %``, of a percentage ``+3.0 points``, or ``from 0``."""
    if unit in PERCENTAGES:
        return signed_points(after - before)
    return signed_percent(effect_size(before, after)) if before else "from 0"


def probability(p_value: float) -> str:
    """``p < 0.001``, ``p = 0.020``; empty where there is none."""
    if not math.isfinite(p_value):
        return ""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """``1 commit``, ``1,200 commits``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def named(names: Sequence[str], most: int) -> str:
    """``numpy, scipy and 4 more``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def joined(names: Sequence[str]) -> str:
    """``numpy, scipy and torch``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


@lru_cache(1024)
def moment(when: datetime) -> str:
    """A time to the minute, always in UTC and saying so: ``2026-05-01 13:37 UTC``."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def interval_of(low: float, high: float, before: float, unit: str, sign: str = "-") -> str:
    """The interval of an effect on the level ``before``: ``99 % CI 5.2–7.0 %``, of a percentage ``… 2.1–3.9 points``.

    It is empty where there is none or the effect is exact. ``sign`` is Python's format of signs: with ``+`` it stands
    beside a signed effect, ``99 % CI +5.2 to +7.0 %``.
    """
    of = "points" if unit in PERCENTAGES else "%"
    low, high = (bound * abs(before) if of == "points" else bound for bound in (low, high))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return ""
    signed, plain, factor = (signed_points, points, 1) if of == "points" else (signed_percent, percent, 100)
    wording = signed if sign == "+" else plain
    bounds = [wording(bound).removesuffix(f" {of}") for bound in (low, high)]
    if bounds[0] == bounds[1]:
        bounds = [f"{factor * bound:{sign},.1f}".replace("-", "−") for bound in (low, high)]
    # "−7.0–−5.2" cannot be read.
    between = "–" if sign == "-" and low >= 0 else " to "
    shown = f"{bounds[0]}{between}{bounds[1]} {of}" if bounds[0] != bounds[1] else f"within 0.1 {of} of it"
    return f"{CONFIDENCE * 100:.0f} % CI {shown}"


def xml_text(text: str) -> str:
    """``visible`` text without the two characters that XML 1.0 cannot hold beside, escaped or not."""
    return visible(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def first_line(text: str, limit: int = 160) -> str:
    """A failure in one line: its last line that is not blank, as in a traceback, cut at ``limit``."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return cut(lines[-1], limit) if lines else ""


def one_line(text: str) -> str:
    """``text`` without line ends, tabs and characters that act unseen: names are hostile, and a row is one line."""
    return visible(" ".join(text.split()))


def value_text(value: object) -> str:
    """A value of somebody's file as a message shows it: as Python writes it, short, whatever it is."""
    try:
        return shortened(repr(value), MOST_SHOWN)
    except (ValueError, RecursionError):  # Python writes no number of more than 4,300 digits
        return f"a value too long or too deep to be shown ({type(value).__name__})"


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters; a longer text loses its middle to an ellipsis: ``atten…time_step``."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 2
    return f"{text[:head]}…{text[len(text) - (limit - 1 - head) :]}"
