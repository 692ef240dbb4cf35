"""Numbers in words: durations, bytes, effects and the sentences that state a verdict.

Takes numbers and histories, gives plain text; escaping belongs to the template, drawing to ``figures``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np

from tbp.history.directions import deciding_lines
from tbp.history.points import MEASURED, columns, levels
from tbp.history.series import CONFIDENCE, Better, Change, ChangeEvidence, ChangeKind, History, State

UNKNOWN = "–"
"""Stands for a number there is none of."""

# (one of the unit in base units, its symbol), smallest first.
SECONDS = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"))
BYTES = ((1.0, "B"), (1024.0, "KiB"), (1024.0**2, "MiB"), (1024.0**3, "GiB"), (1024.0**4, "TiB"))
# Of numbers whose unit nobody recorded: nobody reads the nine digits of 538,968,064.
PLAIN = ((1.0, ""), (1e6, "M"), (1e9, "G"), (1e12, "T"))

NO_UNIT = ("unit", "")
"""What asv calls the unit of a ``track_`` benchmark that declares none."""

PERCENTAGES = ("%", "percent", "percentage", "pct")
"""Units whose changes are told in points: 61 % → 64 % is +3.0 points, and not +4.9 %."""

PLURALS = {
    State.REGRESSION: ("regression", "regressions"),
    State.CHANGED: ("changed", "changed"),
    State.IMPROVEMENT: ("improvement", "improvements"),
    State.RECOVERED: ("recovered", "recovered"),
    State.SUSPECT: ("suspect", "suspect"),
    State.ACKNOWLEDGED: ("acknowledged", "acknowledged"),
    State.UNDECIDED: ("undecided", "undecided"),
    State.NO_CHANGE: ("no change", "no change"),
    State.NOT_ENOUGH_DATA: ("not enough data", "not enough data"),
    State.FAILED: ("failed", "failed"),
    State.SKIPPED: ("skipped", "skipped"),
    State.STALE: ("stale", "stale"),
    State.VANISHED: ("vanished", "vanished"),
}

NO_REASON = "no reason was recorded"

MOST_LINES = 3
"""For pyproject.toml, named at once: with more functions a project writes a shorter pattern."""

MOST_STEPS = 4
"""Changes named of one balance."""

STATES_OF_CHANGE = (State.REGRESSION, State.CHANGED, State.IMPROVEMENT, State.RECOVERED, State.ACKNOWLEDGED)
"""States that a confirmed change of the code makes."""

_SETTLED = (*STATES_OF_CHANGE, State.NO_CHANGE, State.SUSPECT)

# A shape beside every colour, so that no state is told by colour alone.
GLYPHS = {
    State.REGRESSION: "✖",
    State.CHANGED: "≠",
    State.IMPROVEMENT: "✔",
    State.RECOVERED: "↺",
    State.SUSPECT: "◇",
    State.ACKNOWLEDGED: "☑",
    State.UNDECIDED: "~",
    State.NO_CHANGE: "=",
    State.NOT_ENOUGH_DATA: "?",
    State.FAILED: "!",
    State.SKIPPED: "∅",
    State.STALE: "…",
    State.VANISHED: "†",
}

# Control characters (but tab and newline), lone surrogates, and those that turn the direction of the text around
# them: a name must not be able to write the verdict beside it backwards (CVE-2021-42574).
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """``text`` with what is not seen but acts on what is replaced by U+FFFD."""
    return text if text.isprintable() else INVISIBLE.sub("\ufffd", text)  # none of those is printable


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
    """How far a value moved, in its unit: ``+22.2 ms``, ``−3 calls``, of a percentage ``+3.0 points``."""
    said = points(after - before) if unit in PERCENTAGES else quantity(after - before, unit)
    return f"+{said}" if math.isfinite(after - before) and after > before else said


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
    """How far a value moved from what it was: ``+12 %``, of a percentage ``+3.0 points``; ``from 0`` where that is."""
    if unit in PERCENTAGES:
        return signed_points(after - before)
    return signed_percent((after - before) / abs(before)) if before else "from 0"


def probability(p_value: float) -> str:
    """``p < 0.001``, ``p = 0.020``; empty where there is none."""
    if not math.isfinite(p_value):
        return ""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 commit``, ``1,200 commits``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def named(names: Sequence[str], most: int) -> str:
    """``numpy, scipy and 4 more``."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


@lru_cache(1024)
def moment(when: datetime) -> str:
    """A time to the minute, always in UTC and saying so: ``2026-05-01 13:37 UTC``."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def relative(change: Change) -> float:
    """How far the level moved, relative to the size of the level before; NaN from a level of zero.

    It is ``Change.effect`` except that a negative level (a ``track_`` benchmark may have one) keeps the direction.
    """
    return (change.after - change.before) / abs(change.before) if change.before else math.nan


def direction(is_up: bool, unit: str, better: Better) -> str:
    """``slower``, ``smaller``, ``lower (worse)``: what a value that went up (or down) did, in its unit.

    Where nothing says which direction is better, it is ``lower`` and no more.
    """
    if better is Better.LOWER and unit == "seconds":
        return "slower" if is_up else "faster"
    word = ("larger" if is_up else "smaller") if unit == "bytes" else ("higher" if is_up else "lower")
    if better is Better.UNKNOWN or (better is Better.LOWER and unit == "bytes"):
        return word
    return f"{word} ({'worse' if is_up is (better is Better.LOWER) else 'better'})"


def better(history: History) -> str:
    """``lower is better: time``, ``higher is better: unit it/s``; empty where nothing says it."""
    if history.better is Better.UNKNOWN:
        return ""
    return ": ".join(filter(None, [f"{history.better.value} is better", history.better_by]))


def undirected(benchmarks: Sequence[str]) -> str:
    """A remark on benchmarks (asv's names) whose better direction nothing says, and how a project says it."""
    known = list(dict.fromkeys(benchmarks))
    lines = named(deciding_lines(known), MOST_LINES)
    return (
        f"Nothing says which direction is better for {named(known, 1)}: a change there is neither regression nor "
        f'improvement. To decide it, write below [tool.tbp.better] in pyproject.toml: {lines} (or "higher")'
    )


def move(change: Change, unit: str) -> str:
    """How far the level moved: ``▲ +12 %``. The arrow is the value's direction, not its merit."""
    return f"{'▲' if change.after > change.before else '▼'} {signed_size(change.before, change.after, unit)}"


def effect(change: Change, unit: str, better: Better) -> str:
    """The effect size in words: ``▲ +12 % slower``, ``▼ −6.1 % lower (worse)``, ``▼ −20 % recovered``.

    A change that is not put down to the code has no merit: ``▲ +12 % with torch 2.12 → 2.13``.
    """
    if change.kind is not ChangeKind.CODE:
        return f"{move(change, unit)} with {change.what or change.kind.value}"
    if change.is_recovery:
        return f"{move(change, unit)} recovered"
    return f"{move(change, unit)} {direction(change.after > change.before, unit, better)}"


def interval(low: float, high: float) -> str:
    """``99 % CI 5.2–7.0 %``, ``99 % CI −0.8 to 1.2 %``; empty where there is none or the effect is exact."""
    return _interval(low, high, "-", "%")


def interval_of(low: float, high: float, before: float, unit: str, sign: str = "-") -> str:
    """The interval of an effect on the level ``before``: as ``interval``, of a percentage ``99 % CI 2.1–3.9 points``.

    With ``sign`` "+" it is signed, to stand beside a signed effect: ``99 % CI +5.2 to +7.0 %``.
    """
    if unit in PERCENTAGES:
        return _interval(low * abs(before), high * abs(before), sign, "points")
    return _interval(low, high, sign, "%")


def _interval(low: float, high: float, sign: str, of: str) -> str:
    """``sign`` is Python's format of signs: ``-`` for negative numbers only, ``+`` for all."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return ""
    signed, plain, factor = (signed_points, points, 1) if of == "points" else (signed_percent, percent, 100)
    said = signed if sign == "+" else plain
    bounds = [said(bound).removesuffix(f" {of}") for bound in (low, high)]
    if bounds[0] == bounds[1]:
        bounds = [f"{factor * bound:{sign},.1f}".replace("-", "−") for bound in (low, high)]
    # "−7.0–−5.2" cannot be read.
    between = "–" if sign == "-" and low >= 0 else " to "
    shown = f"{bounds[0]}{between}{bounds[1]} {of}" if bounds[0] != bounds[1] else f"within 0.1 {of} of it"
    return f"{CONFIDENCE * 100:.0f} % CI {shown}"


def interval_of_change(change: Change, unit: str, sign: str = "-") -> str:
    """``interval_of`` a change."""
    return interval_of(change.low, change.high, change.before, unit, sign)


def before_after(change: Change, unit: str) -> str:
    """``169 µs → 236 µs``."""
    return f"{quantity(change.before, unit)} → {quantity(change.after, unit)}"


def first_line(text: str, limit: int = 160) -> str:
    """What a failure says in one line: the last line that is not blank, as in a traceback, cut at ``limit``."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return cut(lines[-1], limit) if lines else ""


def series_name(history: History) -> str:
    """``attention.Quick.torchtime_step (variant=sdpa)``."""
    label = history.key.label
    return f"{history.key.benchmark} ({label})" if label else history.key.benchmark


def since(history: History, change: Change, word: str = "since") -> str:
    """``since 04342f08``; empty where the change names no point of the series."""
    is_known = 0 <= change.index < len(history.points)
    return f"{word} {history.points[change.index].commit.short}" if is_known else ""


def newest_value(history: History | None) -> float:
    """The newest measured value of the present benchmark version; NaN when nothing was measured, or is recorded."""
    if history is None:
        return math.nan
    measured = levels(history.points)
    measured = measured[np.isfinite(measured)]
    return float(measured[-1]) if len(measured) else math.nan


def newest_reason(history: History) -> str:
    """Why the newest run that failed or was skipped has no value, where that is known."""
    own = columns(history.points)
    without = [index for index, reason in own.reasons.items() if reason and own.outcome[index] != MEASURED]
    return own.reasons[max(without)] if without else ""


def measured_runs(history: History) -> int:
    """In how many runs the series has a value of the present benchmark version."""
    return int(np.isfinite(levels(history.points)).sum())


def with_value(history: History) -> str:
    """``3 runs with a value``; runs of earlier benchmark versions are told apart."""
    own = columns(history.points)
    earlier = int((~own.comparable & np.isfinite(own.value)).sum())
    said = f"{count(measured_runs(history), 'run')} with a value"
    return f"{said}, {earlier:,} of earlier benchmark versions" if earlier else said


def explained(history: History) -> str:
    """A sentence on the newest shift of level that is put down to something else than the code; empty without one."""
    shift = history.explained
    if shift is None:
        return ""
    change = shift.change
    words = [effect(change, history.unit, history.better), since(history, change)]
    return f"{change.kind.value.capitalize()}: {' '.join(filter(None, words))}."


def last_run(history: History) -> str:
    """``last measured at 0c0ffee0 (2026-05-01 13:37 UTC)``; empty without a run."""
    if not history.points:
        return ""
    commit = history.points[-1].commit
    return f"last measured at {commit.short} ({moment(commit.date)})"


def finding(history: History) -> str:
    """One sentence on one series: what moved, since when, between which levels, how sure; or why nothing is said."""
    change = history.standing_change
    if history.state in STATES_OF_CHANGE and change is not None:
        words = [effect(change, history.unit, history.better), since(history, change)]
        sure = [
            before_after(change, history.unit),
            interval_of_change(change, history.unit),
            probability(change.p_value),
            f"measured in turns against {change.in_turns[:8]}" if change.in_turns else "",
        ]
        said = f"{' '.join(filter(None, words))}: {', '.join(filter(None, [*sure, made_of(history)]))}."
        return f"{said} Acknowledged: {change.acknowledged}" if history.state is State.ACKNOWLEDGED else said
    value = quantity(newest_value(history), history.unit)
    runs = count(measured_runs(history), "run")
    match history.state:
        case State.SUSPECT:
            return f"Suspect, not confirmed: {suspicion(history)}."
        case State.NO_CHANGE:
            noise = percent(history.noise_between)
            said = f"No confirmed change over {runs}; now {value}, noise between runs {noise}."
            return " ".join(filter(None, [said, explained(history)]))
        case State.NOT_ENOUGH_DATA:
            return f"Cannot tell: {with_value(history)}{'' if value == UNKNOWN else ', the newest ' + value}."
        case State.STALE:
            return f"Its machine and environment fell silent: {last_run(history)}; then {value}."
        case State.VANISHED:
            return f"No longer measured: {last_run(history)}; then {value}."
        case State.FAILED:
            return f"Failed in the newest run: {first_line(newest_reason(history)) or NO_REASON}"
        case State.SKIPPED:
            return f"Skipped in the newest run: {first_line(newest_reason(history)) or NO_REASON}"
    return f"{history.state.value.capitalize()}; now {value}."


def made_of(history: History) -> str:
    """Which changes the balance is made of, where not of one, and the improvement from before that it took from.

    ``of which ▲ +42 % at 04342f08, ▼ −2.1 % at 4d7b91c0``; of a recovery ``which undoes ▲ +42 % at 04342f08``.
    """
    balance = history.balance
    if balance is None:
        return ""
    parts = ""
    if balance.is_recovery:
        parts = f"which undoes {_listed(history, [part for part in balance.parts if part != balance.standing])}"
    elif balance.is_of_several:
        parts = f"of which {_listed(history, balance.parts)}"
    is_worse = bool(balance.regressions)
    accepted = f"without the acknowledged {_listed(history, balance.accepted)}" if balance.accepted and is_worse else ""
    before = f"after {_listed(history, balance.gains[-1:])}" if balance.gains and is_worse else ""
    return ", ".join(filter(None, [parts, _crossed(history) if balance.is_of_several else "", accepted, before]))


def _crossed(history: History) -> str:
    """``across the hardware change at 04342f08``: the shifts that carried the level before a balance along."""
    balance = history.balance
    changes = [evidence.change for evidence in history.changes[balance.since :]] if balance is not None else []
    other = [change for change in changes if change.confirmed and change.kind is not ChangeKind.CODE]
    names = [f"{change.kind.value} {since(history, change, 'at')}" for change in other]
    return f"across the {named(names, 2)}" if names else ""


def undone(history: History, what: ChangeEvidence) -> str:
    """``recovered at 4d7b91c0`` of a regression whose level before is back; empty of any other change."""
    balance = history.balance
    index = next((at for at, evidence in enumerate(history.changes) if evidence is what), -1)
    by = dict(balance.undone).get(index) if balance is not None else None
    return f"recovered {since(history, history.changes[by].change, 'at')}" if by is not None else ""


def steps(history: History) -> tuple[str, ...]:
    """``▲ +42 % at 04342f08`` of the changes that the balance is made of, where they are several; the largest first."""
    balance = history.balance
    return _steps(history, balance.parts) if balance is not None and balance.is_of_several else ()


def _listed(history: History, indexes: Sequence[int]) -> str:
    return ", ".join(_steps(history, indexes))


def _steps(history: History, indexes: Sequence[int]) -> tuple[str, ...]:
    """The largest first; of many the small ones are counted."""
    changes = sorted((history.changes[index].change for index in indexes), key=_size, reverse=True)
    several = [f"{move(change, history.unit)} {since(history, change, 'at')}".rstrip() for change in changes]
    left_out = len(several) - MOST_STEPS
    return (*several[:MOST_STEPS], f"{left_out:,} more") if left_out > 1 else tuple(several)


def _size(change: Change) -> float:
    """How far apart two levels are: +100 % as far as −50 %."""
    before, after = change.before, change.after
    return abs(math.log(abs(after)) - math.log(abs(before))) if before * after > 0 else math.inf


def suspicion(history: History) -> str:
    """What is suspected of a series, and why it is not more: ``▲ +4.1 % slower since 04342f08: 1.00 s → 1.04 s, …``."""
    suspect = history.suspect
    if suspect is None:
        return ""
    change = suspect.change
    words = " ".join(filter(None, [effect(change, history.unit, history.better), since(history, change)]))
    sure = [before_after(change, history.unit), interval_of_change(change, history.unit), change.doubt]
    return f"{words}: {', '.join(filter(None, sure))}"


def tally(histories: Sequence[History]) -> dict[State, int]:
    """How many series are in each state, every state named, worst first."""
    counts = Counter(history.state for history in histories)
    return {state: counts[state] for state in State}


def verdict(ranked: Sequence[History], name: str = "") -> str:
    """The one sentence on everything; ``ranked`` has the worst first, which is called ``name`` if that is given."""
    if not ranked:
        return "Nothing has been measured yet."
    counts = tally(ranked)
    series = count(len(ranked), "series", "series")
    if worst := counts[State.REGRESSION]:
        first = ranked[0]
        sentence = f"{count(worst, 'regression')} in {series}"
        step = first.standing_change
        if step is None:
            return sentence + "."
        size = effect(step, first.unit, first.better)
        lead = "the largest" if worst > 1 else "it"
        return f"{sentence}; {lead} is {name or series_name(first)}: {size} {since(first, step)}".rstrip() + "."
    if not any(counts[state] for state in _SETTLED):
        why = [f"{number:,} {PLURALS[state][number != 1]}" for state, number in counts.items() if number]
        return f"Cannot tell: no verdict on any of {series} ({', '.join(why)})."
    rest = [
        count(counts[state], word, word)
        for state, word in (
            (State.CHANGED, "changed, for better or worse"),
            (State.IMPROVEMENT, "improved"),
            (State.RECOVERED, "recovered"),
            (State.SUSPECT, "suspect"),
            (State.ACKNOWLEDGED, "acknowledged"),
            (State.FAILED, "failed"),
            (State.STALE, "stale"),
            (State.VANISHED, "vanished"),
            (State.NOT_ENOUGH_DATA, "with too few runs to tell"),
        )
        if counts[state]
    ]
    explained = sum(history.explained is not None and history.state is State.NO_CHANGE for history in ranked)
    elsewhere = [f"{explained:,} moved with another cause than the code"] if explained else []
    return "; ".join([f"No confirmed regression in {series}", *elsewhere, *rest]) + "."
