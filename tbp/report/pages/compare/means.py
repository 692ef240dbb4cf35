"""Geometric means over the series of a suite between two commits, which claim no more than the series do.

Takes judgements, gives one ``Mean`` per suite and unit. ``static/pages/judge.js`` says the same of any other pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from msgspec import Struct

from tbp.comparison.judgements import changed
from tbp.model import relevance
from tbp.model.changes import State
from tbp.model.comparison import Judgement
from tbp.report.parts.series_order import family_of
from tbp.statistics.robust import relative
from tbp.wording import phrases, verdicts, words


class Mean(Struct, frozen=True):
    """Geometric mean of after ÷ before over the series of a suite that have one unit."""

    suite: str
    quantity: str  # "time", "size", or the unit
    state: State
    glyph: str
    words: str
    interval: str
    series: int


def means(judged: Sequence[Judgement]) -> tuple[Mean, ...]:
    """The means of series with positive values at both commits. Percentages change in points: they have no ratio."""
    both = [
        judgement
        for judgement in judged
        if judgement.before > 0 and judgement.after > 0 and judgement.unit not in words.PERCENTAGES
    ]
    both.sort(key=_group)
    return tuple(_mean(list(members)) for _, members in groupby(both, key=_group))


def _group(judgement: Judgement) -> tuple[str, str, str]:
    return family_of(judgement.benchmark), judgement.unit, judgement.better


def _mean(members: Sequence[Judgement]) -> Mean:
    first = members[0]
    ratio = _ratio(list(map(_distance, members)))
    low, high = _interval(members)
    state = _state(members, ratio, low, high)
    text = verdicts.PLURALS[state][0] + difference_said(state, ratio, words.signed_percent(ratio))
    if state in phrases.CHANGED:
        effect = f"{words.signed_percent(ratio)} {verdicts.direction(ratio > 0, first.unit, first.better)}"
        text = f"{'▲' if ratio > 0 else '▼'} {effect}"
    quantity = {"seconds": "time", "bytes": "size", "unit": "value"}.get(first.unit, first.unit)
    interval = words.interval_of(low, high, first.before, first.unit)
    return Mean(family_of(first.benchmark), quantity, state, verdicts.GLYPHS[state], text, interval, len(members))


def difference_said(state: State, ratio: float, size: str) -> str:
    """The words after a state that claims no change: ``, +3.0 %``; empty where "no change" is enough.

    ``size`` is ``ratio`` in words.
    """
    if abs(ratio) >= relevance.LEAST_SHOWN:
        return f", {size}"
    return "" if state is State.NO_CHANGE else ", no difference"


def _distance(judgement: Judgement) -> float:
    """Difference of the logarithms: the ratio of two values may be more than a number holds."""
    return math.log(judgement.after) - math.log(judgement.before)


def _ratio(logarithms: Sequence[float]) -> float:
    """The geometric mean of the ratios with these logarithms, as a share: 0.1 is 10 % more."""
    return relative(math.fsum(logarithms) / len(logarithms))


def _interval(members: Sequence[Judgement]) -> tuple[float, float]:
    """As wide as the series' own on average: they ran in one process after the other on one machine, whose luck they
    share, so many series make their mean no surer. NaN where one of them has none.
    """
    lows, highs = [], []
    for judgement in members:
        if judgement.state in (*phrases.CHANGED, State.NO_CHANGE) and not math.isfinite(judgement.low):  # exact
            low = high = _distance(judgement)
        elif math.isfinite(judgement.low) and math.isfinite(judgement.high) and judgement.low > -1:
            low, high = math.log1p(judgement.low), math.log1p(judgement.high)
        else:
            return math.nan, math.nan
        lows.append(low)
        highs.append(high)
    return _ratio(lows), _ratio(highs)


def _state(members: Sequence[Judgement], ratio: float, low: float, high: float) -> State:
    """A change only where the interval says so and a series, too; as ``history.compare`` decides of one series."""
    if math.isnan(low):
        return State.UNDECIDED
    claimed = changed(members[0].better, ratio > 0)
    is_sure = low > 0 or high < 0
    if is_sure and abs(ratio) >= relevance.TWO_COMMITS and any(judgement.state is claimed for judgement in members):
        return claimed
    return State.NO_CHANGE if max(-low, high) < relevance.EXCLUDED else State.UNDECIDED
