"""Where the level of a series shifts.

Takes the values of a series, oldest first, and where known each run's session medians; gives its change points.
Reading them, naming a direction (better, worse) and explaining them is left to others. Three regimes, because
what can be known differs:

- *counters*: values that repeat exactly change by decision, not by chance (``_counter_changes``);
- *short* series (fewer than ``LONG`` runs): every place is tried; sessions, not runs, are the evidence;
- *long* series: a kernel detector proposes, tests between neighbouring segments dispose (``_long_boundaries``),
  and the newest run, too young for a segment of its own, is judged against the last segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tbp.history.noise import MAD_TO_SIGMA
from tbp.history.series import Change

Floats = NDArray[np.float64]

# Below this many runs the rank tests of the long regime cannot become significant at its ends.
LONG = 20
# Long series. Penalty of a proposal: PENALTY * ln n * ((1 + rho) / (1 - rho)) ** PENALTY_CORRELATION, rho the lag-1
# correlation of the residuals. Both tuned on synthetic series (100-400 runs, noise 1-8 %, steps 2-30 %, with
# outliers, two modes and drift): F1 0.78 and 0.75, 0.10 and 0.13 false alarms per 1,000 points at two seeds;
# 0.8 and 1: F1 0.78 and 0.75 at 0.11 and 0.14.
PENALTY = 0.7
PENALTY_CORRELATION = 1.5
MIN_SEGMENT = 3
# Smallest relevant effect, absolute and in residual sigmas: below the second, steps are found no better than chance.
LONG_RELEVANT = 0.01
LONG_RELEVANT_SIGMAS = 0.3
LONG_ALPHA = 0.02  # 0.01 to 0.05 score alike: the proposals limit, not this
LINE_CLIP = 0.02  # share of values clipped at both ends before a slope is fitted, so that outliers do not bend it
# Short series and the newest run. Sessions of one run share its luck, so two tests must agree: Mann-Whitney over
# sessions, and Student's t over runs, each times the places a change could be at. Simulated without a change, 3
# sessions a run, 5 % noise of a process and 2 % shared by a run: 0.4 % of series with 8 runs get a confirmed change,
# 0.3 % with 6 (0.9 and 1.3 % without the t test); at 5 % shared noise 4.3 %. A step of 30 % is confirmed in 92-100 %
# of 6 runs and 96-100 % of 8, wherever it is.
SHORT_RELEVANT = 0.05
SHORT_RELEVANT_SIGMAS = 3.0
SHORT_ALPHA = 0.05  # the least three sessions against twelve can reach is 0.02
SHORT_RUN_ALPHA = 0.1
MAX_SHORT_CHANGES = 3
# The newest runs, fewer than MIN_SEGMENT: further than this from a long segment and outside all of it is suspect.
TAIL_SIGMAS = 5.0


@dataclass(frozen=True)
class _Series:
    """The measured part of a series on the scale it is judged on."""

    places: NDArray[np.intp]  # index of each run in the caller's values
    raw: Floats
    scaled: Floats  # logarithms where every value is positive, else the values themselves
    sessions: tuple[Floats, ...]  # per run, on the same scale; a run without sessions is its own only one
    is_log: bool

    def relevant(self, relative: float, before: float) -> float:
        """``relative`` as a difference on the scale of ``scaled``, for a level ``before`` on the raw scale."""
        return float(np.log1p(relative)) if self.is_log else relative * abs(before)

    def change(self, start: int, index: int, end: int, p_value: float, confirmed: bool) -> Change:
        before, after = float(np.median(self.raw[start:index])), float(np.median(self.raw[index:end]))
        return Change(int(self.places[index]), before, after, min(1.0, p_value), confirmed)


def change_points(
    values: Sequence[float], sessions: Sequence[Sequence[float]] | None = None, *, counter: bool = True
) -> tuple[Change, ...]:
    """The change points of one series, oldest first.

    ``values`` has one value per run; NaN and infinities (failed, skipped) are passed over, but ``Change.index``
    counts them. ``sessions`` has each run's process medians, empty where unknown. ``counter`` says whether values
    that repeat exactly may be taken for a deterministic counter, whose every change is certain.
    """
    series = _measured(values, sessions)
    runs = len(series.raw)
    if counter and (found := _counter_changes(series)) is not None:
        return found
    if runs < LONG:
        return _short_changes(series, 0, runs)
    edges = [0, *_long_boundaries(series.scaled), runs]
    inflation = _inflation(series.scaled, edges)
    changes = [
        series.change(a, b, c, _p_value(series.scaled[a:b], series.scaled[b:c], inflation) * runs, confirmed=True)
        for a, b, c in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    return (*changes, *_newest_change(series, edges[-2]))


def _measured(values: Sequence[float], sessions: Sequence[Sequence[float]] | None) -> _Series:
    all_values = np.asarray(values, dtype=np.float64)
    places = np.flatnonzero(np.isfinite(all_values))
    raw = all_values[places]
    units = []
    for place in places.tolist():
        own = np.asarray(sessions[place] if sessions is not None else (), dtype=np.float64)
        own = own[np.isfinite(own)]
        units.append(own if len(own) else all_values[place : place + 1])
    is_log = bool(len(raw)) and min(float(raw.min()), *(float(own.min()) for own in units)) > 0
    if is_log:
        return _Series(places, raw, np.log(raw), tuple(np.log(own) for own in units), is_log)
    return _Series(places, raw, raw, tuple(units), is_log)


# Counters


def _counter_changes(series: _Series) -> tuple[Change, ...] | None:
    """The changes of a deterministic counter, or None when the values do not behave like one.

    One does when its values come in a few runs of equals, two long or more, and its sessions agree. A lone different
    value that goes back is a spike, no step. At the newest end one value after three equals is enough.
    """
    if any(len(own) > 1 and np.ptp(own) > 0 for own in series.sessions):
        return None
    raw = series.raw
    spikes = {i for i in range(1, len(raw) - 1) if raw[i - 1] == raw[i + 1] != raw[i]}
    kept = [i for i in range(len(raw)) if i not in spikes]
    equals = [list(group) for _, group in groupby(kept, key=lambda i: raw[i])]
    # Noise of two values would make more and shorter runs than these.
    if len(kept) < 3 or len(spikes) > max(1, len(raw) // 10) or len(equals) > max(2, (len(raw) + 1) // 3):
        return None
    if any(len(group) < 2 for group in equals[:-1]):
        return None
    if len(equals) > 1 and len(equals[-1]) == 1 and len(equals[-2]) < 3:
        return None
    return tuple(
        Change(int(series.places[new[0]]), float(raw[old[0]]), float(raw[new[0]]), 0.0, confirmed=True)
        for old, new in pairwise(equals)
    )


# Short series


def _short_changes(series: _Series, start: int, end: int) -> tuple[Change, ...]:
    """Changes among the runs ``start:end``: the richest partition whose every boundary is confirmed.

    After the last of them one more boundary may be suspect: relevant, but with too few runs to be significant.
    """
    chosen: tuple[int, ...] = ()
    for count in range(MAX_SHORT_CHANGES, 0, -1):
        edges = _best_partition(series.scaled, start, end, count)
        if edges and all(_is_confirmed(series, edges, i) for i in range(1, len(edges) - 1)):
            chosen = edges[1:-1]
            break
    edges = (start, *chosen, end)
    changes = [
        series.change(edges[i - 1], edges[i], edges[i + 1], _short_p_value(series, edges, i), confirmed=True)
        for i in range(1, len(edges) - 1)
    ]
    last = _best_partition(series.scaled, edges[-2], end, 1)
    if last and _is_relevant(series, last, 1) and end - edges[-2] > 3:
        p_value = _short_p_value(series, last, 1)
        changes.append(series.change(last[0], last[1], last[2], p_value, confirmed=False))
    return tuple(changes)


def _best_partition(scaled: Floats, start: int, end: int, count: int) -> tuple[int, ...]:
    """Edges of the least-squares partition of ``start:end`` with ``count`` boundaries; empty if there is none.

    Only the outermost segments may be a single run: one different run in the middle is a spike, no step.
    """
    sums, squares = np.cumsum([0.0, *scaled]), np.cumsum([0.0, *(scaled**2)])

    def cost(a: int, b: int) -> float:
        return float(squares[b] - squares[a] - (sums[b] - sums[a]) ** 2 / (b - a))

    candidates = (
        (start, *inner, end)
        for inner in combinations(range(start + 1, end), count)
        if all(b - a >= 2 for a, b in pairwise(inner))
    )
    return min(candidates, key=lambda edges: sum(cost(a, b) for a, b in pairwise(edges)), default=())


def _is_confirmed(series: _Series, edges: Sequence[int], i: int) -> bool:
    return (
        _is_relevant(series, edges, i)
        and _run_p_value(series, edges, i) <= SHORT_RUN_ALPHA
        and _short_p_value(series, edges, i) <= SHORT_ALPHA
    )


def _is_relevant(series: _Series, edges: Sequence[int], i: int) -> bool:
    """Whether the medians on both sides differ by more than 5 % and three times the noise of a run's value."""
    before, after = slice(edges[i - 1], edges[i]), slice(edges[i], edges[i + 1])
    shift = abs(float(np.median(series.scaled[after]) - np.median(series.scaled[before])))
    least = series.relevant(SHORT_RELEVANT, float(np.median(series.raw[before])))
    return shift > 0 and shift >= max(least, SHORT_RELEVANT_SIGMAS * _run_sigma(series, edges))


def _run_sigma(series: _Series, edges: Sequence[int]) -> float:
    """Noise of one run's value: the larger of the spread inside segments and what sessions predict for a median."""
    squares = sum(float(np.var(series.scaled[a:b])) * (b - a) for a, b in pairwise(edges))
    freedom = edges[-1] - edges[0] - (len(edges) - 1)
    between = (squares / freedom) ** 0.5 if freedom > 0 else 0.0
    spread = [own for own in series.sessions[edges[0] : edges[-1]] if len(own) > 1]
    if not spread:
        return between
    within = float(np.mean([np.var(own, ddof=1) for own in spread])) ** 0.5
    # sd of a median of m normal values is about 1.25 sd / sqrt(m)
    sessions = float(np.mean([len(own) for own in spread]))
    return float(max(between, 1.25 * within / sessions**0.5))


def _short_p_value(series: _Series, edges: Sequence[int], i: int) -> float:
    """Mann-Whitney over the sessions on both sides, times the number of places a change could have been at."""
    before = np.concatenate(series.sessions[edges[i - 1] : edges[i]])
    after = np.concatenate(series.sessions[edges[i] : edges[i + 1]])
    return _p_value(before, after) * (edges[-1] - edges[0] - 1)


def _run_p_value(series: _Series, edges: Sequence[int], i: int) -> float:
    """Student's t over run values on both sides, with the noise of all segments, times the places looked at."""
    before, after = series.scaled[edges[i - 1] : edges[i]], series.scaled[edges[i] : edges[i + 1]]
    runs, freedom = edges[-1] - edges[0], edges[-1] - edges[0] - (len(edges) - 1)
    if freedom < 1:
        return 1.0
    sigma = _run_sigma(series, edges)
    if sigma == 0:
        return 0.0
    score = abs(float(np.median(after) - np.median(before))) / (sigma * (1 / len(before) + 1 / len(after)) ** 0.5)
    return float(2 * stats.t.sf(score, freedom)) * (runs - 1)


# Long series


def _long_boundaries(scaled: Floats) -> list[int]:
    """Proposals of a kernel detector, less the weakest one by one until every one passes.

    Kernel change-point detection: Arlot, Celisse, Harchaoui, "A kernel multiple change-point algorithm via model
    selection", JMLR 20 (2019), as implemented by ruptures.
    """
    import ruptures  # half a second that short series need not pay

    count = len(scaled)
    if float(np.ptp(scaled)) == 0:
        return []
    detector = ruptures.KernelCPD("rbf", min_size=MIN_SEGMENT).fit(scaled)
    proposed = detector.predict(pen=PENALTY * np.log(count))
    ratio = _inflation(scaled, [0, *proposed]) ** 2
    if ratio > 1:
        proposed = detector.predict(pen=PENALTY * np.log(count) * ratio**PENALTY_CORRELATION)
    edges = [0, *proposed]
    while len(edges) > 2:
        inflation = _inflation(scaled, edges)
        badness = [_badness(scaled, edges, i, inflation) for i in range(1, len(edges) - 1)]
        worst = int(np.argmax(badness))
        if badness[worst] <= LONG_ALPHA:
            break
        del edges[worst + 1]
    return edges[1:-1]


def _badness(scaled: Floats, edges: Sequence[int], i: int, inflation: float) -> float:
    """Corrected p-value of boundary ``i``; one or more where the shift is irrelevant or a straight line fits better."""
    before, after = scaled[edges[i - 1] : edges[i]], scaled[edges[i] : edges[i + 1]]
    p_value = _p_value(before, after, inflation) * len(scaled)
    shift = abs(float(np.median(after) - np.median(before)))
    least = max(float(np.log1p(LONG_RELEVANT)), LONG_RELEVANT_SIGMAS * float(np.std(_residuals(scaled, edges))))
    if shift < least or _line_fits_better(before, after):
        return 1.0 + p_value
    return p_value


def _line_fits_better(before: Floats, after: Floats) -> bool:
    """Whether a slope explains both segments with less squared error than a step does: drift is no step."""
    both = np.concatenate([before, after])
    both = np.clip(both, *np.quantile(both, [LINE_CLIP, 1 - LINE_CLIP]))
    before, after = both[: len(before)], both[len(before) :]
    step = float(np.sum((before - before.mean()) ** 2) + np.sum((after - after.mean()) ** 2))
    time = np.arange(len(both), dtype=np.float64)
    time -= time.mean()
    centred = both - both.mean()
    line = float(np.sum(centred**2) - np.sum(time * centred) ** 2 / np.sum(time**2))
    return line < step


def _residuals(scaled: Floats, edges: Sequence[int]) -> Floats:
    return np.concatenate([scaled[a:b] - np.median(scaled[a:b]) for a, b in pairwise(edges)])


def _inflation(scaled: Floats, edges: Sequence[int]) -> float:
    """Square root of (1 + rho) / (1 - rho): how much lag-1 correlation widens a mean's error; at least 1."""
    residuals = _residuals(scaled, edges)
    power = float(np.sum(residuals**2))
    rho = float(np.sum(residuals[1:] * residuals[:-1])) / power if power else 0.0
    rho = min(max(rho, 0.0), 0.9)
    return float(((1 + rho) / (1 - rho)) ** 0.5)


def _newest_change(series: _Series, start: int) -> tuple[Change, ...]:
    """The newest one or two runs against the rest of the last segment, which is too short a time for a segment.

    Suspect when they are outside all of it, confirmed when their sessions say so too.
    """
    end = len(series.raw)
    for index in (end - 2, end - 1):
        edges = (start, index, end)
        if index - start < MIN_SEGMENT or not _is_relevant(series, edges, 1):
            continue
        earlier, newest = series.scaled[start:index], series.scaled[index:]
        if newest.min() <= earlier.max() and newest.max() >= earlier.min():
            continue
        sessions = min(len(own) for own in series.sessions[index:])
        if sessions >= MIN_SEGMENT and _is_confirmed(series, edges, 1):
            return (series.change(*edges, _short_p_value(series, edges, 1), confirmed=True),)
        middle = float(np.median(earlier))
        sigma = MAD_TO_SIGMA * float(np.median(np.abs(earlier - middle)))
        if float(np.abs(newest - middle).min()) > TAIL_SIGMAS * sigma:
            return (series.change(*edges, _short_p_value(series, edges, 1), confirmed=False),)
    return ()


def _p_value(before: Floats, after: Floats, inflation: float = 1.0) -> float:
    """Two-sided Mann-Whitney; ``inflation`` divides its z score where neighbours are correlated."""
    p_value = float(stats.mannwhitneyu(before, after).pvalue)
    if inflation == 1.0 or p_value >= 1.0:
        return p_value
    return float(2 * stats.norm.sf(stats.norm.isf(max(p_value, 1e-300) / 2) / inflation))
