"""The changes of a series as pairs of processes confirm or refute them, and the fresh pairs to measure next.

Takes changes, points and ratios; the evidence of the pairs is of ``paired_evidence``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.ratios import Ratio
from tbp.history.paired_evidence import (
    SETTLING_RUNS,
    Crossing,
    InTurns,
    Verdict,
    by_place,
    of_change,
    pairs_to_next_look,
    step,
)
from tbp.model import relevance
from tbp.model.changes import Change
from tbp.model.points import levels
from tbp.model.series import Point
from tbp.statistics.robust import median

# A suspicion of pairs is shown at this chance of them without a change: most suspicions are none, and fresh pairs end
# them the same night.
SHOWN_P = 0.01

# A step of pairs is as large as a change from this share of it on …
MOST_OF_IT = 0.7
# … and shown by the runs of a series from this share of its effect on.
SHOWN_SHARE = 0.5


def with_pairs(
    changes: Sequence[Change], points: Sequence[Point], ratios: Sequence[Ratio], relevant: float
) -> tuple[Change, ...]:
    """The changes of a series, the newest as pairs confirm or refute them, and with the steps that pairs alone show."""
    crossings = by_place(points, ratios)
    if not crossings:
        return tuple(changes)
    shown = _tested(changes, crossings, points)
    for evidence in _alone(shown, crossings, points, max(relevant, relevance.TWO_COMMITS)):
        begin = level_begin([change for change in shown if change.index < evidence.index], points)
        distant = [
            change
            for change in shown
            if change.confirmed or change.index <= begin or not _is_near(change, evidence.index)
        ]
        is_confirmed = evidence.verdict is Verdict.CONFIRMED
        # A suspicion is shown where nothing else shows it.
        if is_confirmed or (len(distant) == len(shown) and evidence.suspicion <= SHOWN_P):
            shown = sorted([*distant, _change(evidence, begin, points)], key=lambda change: change.index)
    return tuple(shown)


def _alone(
    judged: Sequence[Change], crossings: Sequence[Crossing], points: Sequence[Point], relevant: float
) -> list[InTurns]:
    """The steps that pairs alone show, the oldest first: within each level that the series shows by itself.

    One close before a change of the series, in its direction, is that change: the series puts it a few runs later. So
    is one that pairs show against a run close after a change: the series puts it a few runs earlier (``_is_again``).
    """
    confirmed = {change.index: change for change in judged if change.confirmed}
    bounds = sorted({level_begin((), points), *confirmed, len(points)})
    steps = []
    for begin, end in pairwise(bounds):
        before, after = confirmed.get(begin), confirmed.get(end)
        for evidence in _steps(crossings, begin, end, relevant):
            is_after = after is not None and _is_near(after, evidence.index) and after.effect * evidence.effect > 0
            if before is not None and _is_again(before, evidence, points):
                continue
            if after is None or (evidence.verdict is Verdict.CONFIRMED and not is_after):
                steps.append(evidence)
    return sorted(steps, key=lambda evidence: evidence.index)


def _steps(crossings: Sequence[Crossing], begin: int, end: int, relevant: float) -> Iterator[InTurns]:
    """The confirmed steps after ``begin`` and before ``end``, and one that is suspected after the last of them.

    The one that explains the ratios best, then so within the levels on both sides of it.
    """
    spans = [(begin, end)]
    while spans:
        first, last = spans.pop()
        evidence = step(crossings, first, last, relevant)
        if evidence is None or evidence.verdict is Verdict.REFUTED:
            continue
        if evidence.verdict is Verdict.CONFIRMED:
            spans += [(first, evidence.index), (evidence.index, last)]
            yield evidence
        elif last == end:
            yield evidence


def _is_near(change: Change, index: int) -> bool:
    return abs(change.index - index) <= SETTLING_RUNS


def _is_again(change: Change, evidence: InTurns, points: Sequence[Point]) -> bool:
    """True where pairs show ``change`` again: as large, against a run close to it, and no run of the series shows it.

    Then that run is still on the old level, though the series has it on the new one. What the series can show of such
    a size it would show twice.
    """
    is_as_large = evidence.effect * change.effect > 0 and abs(evidence.effect) >= MOST_OF_IT * abs(change.effect)
    if not is_as_large or not _is_near(change, evidence.against):
        return False
    value = levels(points)
    sides = [side[np.isfinite(side)] for side in (value[change.index : evidence.index], value[evidence.index :])]
    if not all(map(len, sides)):
        return False
    before, after = map(median, sides)
    return before > 0 and (after / before - 1) / evidence.effect < SHOWN_SHARE


def level_begin(changes: Sequence[Change], points: Sequence[Point]) -> int:
    """Place of the first run of the level that the series is confirmed to be on."""
    confirmed = [change.index for change in changes if change.confirmed]
    first = next((index for index, point in enumerate(points) if point.has_level), 0)
    return max([first, *confirmed])


def _tested(changes: Sequence[Change], crossings: Sequence[Crossing], points: Sequence[Point]) -> list[Change]:
    """The changes, those that the series confirms as fresh pairs confirm or refute them.

    The oldest first: where it is none, the level before it goes on, and the next one is a change of that level.
    """
    tested: list[Change] = []
    for change in changes:
        evidence = _fresh_evidence(change, level_begin(tested, points), crossings)
        tested.append(change if evidence is None else _with_evidence(change, evidence, points))
    return tested


def _fresh_evidence(change: Change, begin: int, crossings: Sequence[Crossing]) -> InTurns | None:
    """The evidence of fresh pairs on a change that the series confirms; None without any."""
    if not change.is_verdict or not change.before:
        return None
    return of_change(crossings, change.index, begin, change.effect)


def _with_evidence(change: Change, evidence: InTurns, points: Sequence[Point]) -> Change:
    if evidence.verdict is not Verdict.CONFIRMED:
        return replace(change, confirmed=False, doubt=_doubt(evidence, points))
    return replace(
        change,
        low=evidence.low,
        high=evidence.high,
        after=change.before * (1 + evidence.effect),
        p_value=evidence.p_value,
        in_turns=points[evidence.against].commit.hash,
    )


def _change(evidence: InTurns, begin: int, points: Sequence[Point]) -> Change:
    """A step that pairs alone show."""
    before = float(np.nanmedian(levels(points)[begin : evidence.index]))
    is_confirmed = evidence.verdict is Verdict.CONFIRMED
    return Change(
        index=evidence.index,
        before=before,
        after=before * (1 + evidence.effect),
        p_value=evidence.p_value,
        confirmed=is_confirmed,
        doubt="" if is_confirmed else _doubt(evidence, points),
        low=evidence.low,
        high=evidence.high,
        in_turns=points[evidence.against].commit.hash,
    )


def _doubt(evidence: InTurns, points: Sequence[Point]) -> str:
    against = points[evidence.against].commit.short
    if evidence.verdict is Verdict.REFUTED:
        effect, low, high = (_percent(value) for value in (evidence.effect, evidence.low, evidence.high))
        return f"measured in turns against {against} the change is {effect} % ({low} to {high} %)"
    return f"measured in turns against {against}, and not confirmed by fresh pairs yet"


def _percent(value: float) -> str:
    """``+1.2``, ``−0.3``, ``0.0``."""
    rounded = round(100 * value, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


class FreshPairs(Struct, frozen=True):
    """Fresh pairs to measure next for one series."""

    base: int  # place of the commit to compare with
    head: int
    pairs: int


def wanted(
    changes: Sequence[Change],
    points: Sequence[Point],
    ratios: Sequence[Ratio],
    relevant: float,
    is_news: Callable[[Change], bool],
) -> FreshPairs | None:
    """The fresh pairs that would decide most; None where nothing is suspected.

    ``changes`` are those that the series shows by itself; ``is_news`` is true of those that were not reported yet.
    """
    measured = np.flatnonzero(np.isfinite(levels(points))).tolist()
    crossings = by_place(points, ratios)
    tested = _tested(changes, crossings, points)
    for index, change in enumerate(changes):
        if change.is_verdict and change.before and is_news(change):
            begin = level_begin(tested[:index], points)
            evidence = _fresh_evidence(change, begin, crossings)
            fresh = [crossing for crossing in crossings if begin <= crossing.base]
            pairs = pairs_to_next_look(fresh, change.index)
            if pairs and (evidence is None or evidence.verdict is Verdict.UNDECIDED):
                # The series may show it a few runs from where it is.
                return _between(measured, max(begin + 1, change.index - SETTLING_RUNS), pairs)
    begin = level_begin(with_pairs(changes, points, ratios, relevant), points)
    suspected = step(crossings, begin, len(points), max(relevant, relevance.TWO_COMMITS))
    if suspected is None or not suspected.wanted:
        return None
    # Where fresh pairs have not found it close by, it may be anywhere on this level.
    is_asked_again = any(crossing.is_fresh and begin <= crossing.base for crossing in crossings)
    return _between(measured, begin + 1 if is_asked_again else suspected.earliest, suspected.wanted)


def _between(measured: Sequence[int], earliest: int, pairs: int) -> FreshPairs | None:
    """Pairs of the last run with a value that is surely before a step, and the newest one."""
    base = max((index for index in measured if index < earliest), default=None)
    return FreshPairs(base, measured[-1], pairs) if base is not None else None
