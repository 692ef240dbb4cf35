"""Changes of a short series: every place is tried, and sessions, not runs, are the evidence.

Takes a measured series, gives the changes among a stretch of its runs. The newest runs of a long series are judged by
the same tests (``ends``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from tbp.detection.boundaries import draws
from tbp.detection.measured import Measured
from tbp.detection.placement import placed
from tbp.model import relevance
from tbp.model.changes import Change
from tbp.statistics.mann_whitney import rank_p_value
from tbp.statistics.robust import median
from tbp.statistics.student_t import two_sided_t, welch_freedom
from tbp.system.arrays import Floats

# Short series and the newest run. Sessions of one run share its luck, so two tests must agree: Mann-Whitney over
# sessions, and Student's t over runs, each times the places a change could be at. Simulated without a change, 3
# sessions a run, 5 % noise of a process and 2 % shared by a run: 0.4 % of series with 8 runs get a confirmed change,
# 0.3 % with 6 (0.9 and 1.3 % without the t test); at 5 % shared noise 4.3 %. A step of 30 % is confirmed in 92-100 %
# of 6 runs and 96-100 % of 8, wherever it is.
SHORT_RELEVANT_SIGMAS = 3.0
SHORT_ALPHA = 0.05  # the least three sessions against twelve can reach is 0.02
SHORT_RUN_ALPHA = 0.1
MAX_SHORT_CHANGES = 3
# Runs of a side from which on they are also held against those of all other segments. Of steps that anybody sees in 10
# to 19 single values 97 % are confirmed instead of 78 %, with no more false ones; with 3, three times as many.
MIN_POOLED = 5
TOO_FEW = "too few runs to tell"
UNDER_NOISE = "less than three times the noise"
DIRECTIONS = 2  # a step may go in; only the one that was seen is tested


def short_changes(series: Measured, start: int, end: int) -> tuple[Change, ...]:
    """Changes among the runs ``start:end``: the richest partition whose every boundary is confirmed.

    After the last of them one more boundary may be suspect: relevant, but with too few runs to be significant.
    """
    chosen: tuple[int, ...] = ()
    partition: tuple[int, ...] = ()
    costs = _costs(series.scaled[start:end])
    for count in range(MAX_SHORT_CHANGES, 0, -1):
        partition = _best_partition(costs, start, count)
        if partition and are_confirmed(series, partition):
            chosen = partition[1:-1]
            break
    edges = (start, *chosen, end)
    # Tested where squares put it, which keeps a run out of line at the edge; shown where the step is.
    shown = _placed(series, edges)
    changes = [
        series.change(shown[i - 1], shown[i], shown[i + 1], short_p_value(series, edges, i), confirmed=True)
        for i in range(1, len(edges) - 1)
    ]
    # Where none is confirmed, the partition with one boundary was the last that was tried.
    last = _best_partition(_costs(series.scaled[shown[-2] : end]), shown[-2], 1) if chosen else partition
    if last and end - last[0] > 3 and (doubt := _doubt(series, last)):
        p_value = short_p_value(series, last, 1)
        changes.append(series.change(shown[-2], _placed(series, last)[1], end, p_value, confirmed=False, doubt=doubt))
    return tuple(changes)


def _doubt(series: Measured, edges: Sequence[int]) -> str:
    """Why the only boundary of ``edges`` is suspect, as it is not confirmed; empty where it is no step at all."""
    if is_relevant(series, edges, 1, run_sigma(series, edges)):
        return TOO_FEW
    return UNDER_NOISE if is_plain(series, edges) else ""


def is_plain(series: Measured, edges: Sequence[int]) -> bool:
    """True where anybody sees a step, though it is less than three times the noise of all runs together.

    One side may be much noisier than the other, or have a step of its own. Every run of one side is beyond the other
    side's, by medians that differ by PLAIN, and Welch's t test tells the sides apart. Each has two runs or more.
    """
    start, index, end = edges
    before, after = series.scaled[start:index], series.scaled[index:end]
    lower, upper = (before, after) if before[0] < after[0] else (after, before)
    shift = median(upper) - median(lower)
    least = series.relevant(relevance.PLAIN, median(series.raw[start:index]))
    if min(len(before), len(after)) < 2 or upper.min() <= lower.max() or shift < least:
        return False
    squares = [run_sigma(series, side) ** 2 / (side[1] - side[0]) for side in pairwise(edges)]
    freedom = welch_freedom(squares, [len(before) - 1, len(after) - 1])
    return two_sided_t(shift / sum(squares) ** 0.5, freedom) * (end - start - 1) <= SHORT_ALPHA


def _costs(values: Floats) -> Floats:
    """The sum of squares around its mean of each segment a:b of ``values``."""
    sums, squares = (np.concatenate([[0.0], summed]).cumsum() for summed in (values, values * values))
    places = np.arange(len(sums))
    length = np.maximum(1, places - places[:, None])
    costs: Floats = squares - squares[:, None] - (sums - sums[:, None]) ** 2 / length
    return costs


def _best_partition(costs: Floats, start: int, count: int) -> tuple[int, ...]:
    """Edges of the least-squares partition with ``count`` boundaries of runs from ``start`` on; empty if there is none.

    Only the outermost segments may be a single run: one different run in the middle is a spike, no step.
    """
    edges = _partitions(len(costs) - 1, count)
    if not len(edges):
        return ()
    best = edges[np.add.reduce(costs[edges[:, :-1].T, edges[:, 1:].T]).argmin()]
    return tuple((start + best).tolist())


def _placed(series: Measured, edges: tuple[int, ...]) -> tuple[int, ...]:
    """``edges`` with each boundary where its step is, also beside a run out of line."""
    start, end = edges[0], edges[-1]
    indexes = placed(series.scaled[start:end], [index - start for index in edges[1:-1]])
    return (start, *(start + index for index in indexes), end)


@cache
def _partitions(length: int, count: int) -> NDArray[np.intp]:
    """The edges of every partition of ``0:length`` with ``count`` boundaries that can be meant, one a row."""
    inner = combinations(range(1, length), count)
    edges = [(0, *cuts, length) for cuts in inner if all(b - a >= 2 for a, b in pairwise(cuts))]
    table = np.array(edges, np.intp).reshape(len(edges), count + 2)
    table.flags.writeable = False  # it is shared by all callers
    return table


def are_confirmed(series: Measured, edges: Sequence[int]) -> bool:
    """True where every boundary is relevant and passes both tests."""
    sigma = run_sigma(series, edges)
    return all(
        is_relevant(series, edges, i, sigma)
        and _run_p_value(series, edges, i, sigma) <= SHORT_RUN_ALPHA
        and short_p_value(series, edges, i) <= SHORT_ALPHA
        for i in range(1, len(edges) - 1)
    )


def is_relevant(series: Measured, edges: Sequence[int], i: int, sigma: float) -> bool:
    """True where the medians on both sides differ by SHORT_SERIES and three times ``sigma``, the noise of a run."""
    before, after = slice(edges[i - 1], edges[i]), slice(edges[i], edges[i + 1])
    shift = abs(median(series.scaled[after]) - median(series.scaled[before]))
    least = series.relevant(relevance.SHORT_SERIES, median(series.raw[before]))
    return shift > 0 and shift >= max(least, SHORT_RELEVANT_SIGMAS * sigma)


def run_sigma(series: Measured, edges: Sequence[int]) -> float:
    """Noise of one run's value: the larger of the spread inside segments and what sessions predict for a median."""
    squares = sum(float(series.scaled[a:b].var()) * (b - a) for a, b in pairwise(edges))
    freedom = edges[-1] - edges[0] - (len(edges) - 1)
    between = (squares / freedom) ** 0.5 if freedom > 0 else 0.0
    spread = [processes for processes in series.sessions[edges[0] : edges[-1]] if len(processes) > 1]
    if not spread:
        return between
    within = float(np.mean([np.var(processes, ddof=1) for processes in spread])) ** 0.5
    # sd of a median of m normal values is about 1.25 sd / sqrt(m)
    sessions = float(np.mean([len(processes) for processes in spread]))
    return float(max(between, 1.25 * within / sessions**0.5))


def short_p_value(series: Measured, edges: Sequence[int], i: int) -> float:
    """The p-value of Mann-Whitney's test over sessions, or of the pool, times the places that were tried."""
    before = np.concatenate(series.sessions[edges[i - 1] : edges[i]])
    after = np.concatenate(series.sessions[edges[i] : edges[i + 1]])
    return min(rank_p_value(before, after), _pooled_p_value(series, edges, i)) * (edges[-1] - edges[0] - 1)


def _pooled_p_value(series: Measured, edges: Sequence[int], i: int) -> float:
    """The runs of the shorter side against what all others do around their levels; 1 where it has too few runs."""
    start, index, end = edges[i - 1 : i + 2]
    is_after = end - index < index - start
    first, last = (index, end) if is_after else (start, index)
    if last - first < MIN_POOLED:
        return 1.0
    scaled = series.scaled
    elsewhere = [scaled[a:b] - median(scaled[a:b]) for a, b in pairwise(edges) if a != first]
    deviations = scaled[first:last] - median(scaled[start:index] if is_after else scaled[index:end])
    sign = math.copysign(1.0, median(deviations))
    return DIRECTIONS * draws(sign * deviations, sign * np.concatenate(elsewhere), len(deviations)).p_value


def _run_p_value(series: Measured, edges: Sequence[int], i: int, sigma: float) -> float:
    """Student's t over run values on both sides, with the noise of all segments, times the places looked at."""
    before, after = series.scaled[edges[i - 1] : edges[i]], series.scaled[edges[i] : edges[i + 1]]
    runs, freedom = edges[-1] - edges[0], edges[-1] - edges[0] - (len(edges) - 1)
    if freedom < 1:
        return 1.0
    if sigma == 0:
        return 0.0
    score = abs(median(after) - median(before)) / (sigma * (1 / len(before) + 1 / len(after)) ** 0.5)
    return two_sided_t(score, freedom) * (runs - 1)
