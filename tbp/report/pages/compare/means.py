"""What the series of a suite did together between two commits: a geometric mean that claims no more than they do.

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
    what: str  # "time", "size", or the unit
    state: State
    glyph: str
    words: str
    interval: str
    series: int


def means(found: Sequence[Judgement]) -> tuple[Mean, ...]:
    """The means of series with positive values at both commits. Percentages change in points: they have no ratio."""
    both = [one for one in found if one.before > 0 and one.after > 0 and one.unit not in words.PERCENTAGES]
    both.sort(key=_group)
    return tuple(_mean(list(own)) for _, own in groupby(both, key=_group))


def _group(judgement: Judgement) -> tuple[str, str, str]:
    return family_of(judgement.benchmark), judgement.unit, judgement.better


def _mean(own: Sequence[Judgement]) -> Mean:
    first = own[0]
    ratio = _ratio(list(map(_distance, own)))
    low, high = _interval(own)
    state = _state(own, ratio, low, high)
    text = verdicts.PLURALS[state][0] + difference_said(state, ratio, words.signed_percent(ratio))
    if state in phrases.CHANGED:
        said = f"{words.signed_percent(ratio)} {verdicts.direction(ratio > 0, first.unit, first.better)}"
        text = f"{'▲' if ratio > 0 else '▼'} {said}"
    what = {"seconds": "time", "bytes": "size", "unit": "value"}.get(first.unit, first.unit)
    interval = words.interval(low, high)
    return Mean(family_of(first.benchmark), what, state, verdicts.GLYPHS[state], text, interval, len(own))


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


def _interval(own: Sequence[Judgement]) -> tuple[float, float]:
    """As wide as the series' own on average: they ran in one process after the other on one machine, whose luck they
    share, so many series make their mean no surer. NaN where one of them has none.
    """
    lows, highs = [], []
    for one in own:
        if one.state in (*phrases.CHANGED, State.NO_CHANGE) and not math.isfinite(one.low):  # exact
            low = high = _distance(one)
        elif math.isfinite(one.low) and math.isfinite(one.high) and one.low > -1:
            low, high = math.log1p(one.low), math.log1p(one.high)
        else:
            return math.nan, math.nan
        lows.append(low)
        highs.append(high)
    return _ratio(lows), _ratio(highs)


def _state(own: Sequence[Judgement], ratio: float, low: float, high: float) -> State:
    """A change only where the interval says so and a series, too; as ``history.compare`` decides of one series."""
    if math.isnan(low):
        return State.UNDECIDED
    claimed = changed(own[0].better, ratio > 0)
    is_sure = low > 0 or high < 0
    if is_sure and abs(ratio) >= relevance.TWO_COMMITS and any(one.state is claimed for one in own):
        return claimed
    return State.NO_CHANGE if max(-low, high) < relevance.EXCLUDED else State.UNDECIDED
