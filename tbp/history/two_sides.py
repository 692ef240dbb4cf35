"""The values on the two sides of a change, few enough to be shown.

Takes the points of a series, its changes and a callable that gives the samples of a run's processes. Gives the two
sides of each change: samples where the ruler kept them for both, else the runs' medians. Drawing is left to the report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from tbp.model.changes import Change, Side, Sides
from tbp.model.points import PointColumns, columns, levels
from tbp.model.series import Commit, Point
from tbp.statistics.robust import quantile
from tbp.system.arrays import Floats

# A run's processes, each with its samples in the series' unit; empty where none are kept.
Samples: TypeAlias = Callable[[Commit], Sequence[Sequence[float]]]

# With three processes of up to 300 samples each, more runs would show the machine's days rather than the change.
RUNS_PER_SIDE = 5
# Dots in a strip half as wide as a page; more cover each other.
MOST_VALUES = 100


def sides(points: Sequence[Point], changes: Sequence[Change], samples: Samples) -> tuple[Sides | None, ...]:
    """The two sides of each of ``changes`` (ascending), None where one has no value."""
    table, level = columns(points), levels(points)
    measured = np.isfinite(level)
    edges = [0, *(change.index for change in changes), len(points)]
    both_sides = []
    for start, index, end in zip(edges, edges[1:], edges[2:], strict=False):
        before = np.flatnonzero(measured[start:index])[::-1] + start
        after = np.flatnonzero(measured[index:end]) + index
        both_sides.append(_sides(table, level, (before.tolist(), after.tolist()), samples))
    return tuple(both_sides)


def _sides(table: PointColumns, level: Floats, runs: tuple[list[int], list[int]], samples: Samples) -> Sides | None:
    """``runs`` are the indexes of those with a level on both sides, the nearest first."""
    if not all(runs):
        return None
    old, new = (_with_samples(table, side, samples) for side in runs)
    if old and new:
        return Sides(_of_processes(old), _of_processes(new), of="samples")
    before, after = (_of_runs(table, level, side[:MOST_VALUES]) for side in runs)
    return Sides(before, after, of="run medians")


def _with_samples(table: PointColumns, side: Sequence[int], samples: Samples) -> list[tuple[str, Sequence[float]]]:
    """(commit, samples) of each process of the nearest runs that have them."""
    nearest = [table.order[table.commit_index[index]] for index in side[:RUNS_PER_SIDE]]
    return [(commit.hash, process) for commit in nearest for process in samples(commit) if len(process)]


def _of_runs(table: PointColumns, level: Floats, side: Sequence[int]) -> Side:
    sessions = [len(table.sessions.get(index, ())) for index in side]
    return _thinned(level[side].tolist(), len(side), sum(sessions) if all(sessions) else 0)


def _of_processes(processes: Sequence[tuple[str, Sequence[float]]]) -> Side:
    values = [sample for _, process in processes for sample in process]
    return _thinned(values, len({commit for commit, _ in processes}), len(processes))


def _thinned(values: Sequence[float], runs: int, processes: int) -> Side:
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    low, median, high = (quantile(ordered, share) for share in (0.25, 0.5, 0.75))
    shown = ordered
    if len(ordered) > MOST_VALUES:
        shown = ordered[np.linspace(0, len(ordered) - 1, MOST_VALUES).round().astype(int)]
    return Side(tuple(shown.tolist()), len(ordered), low, median, high, runs, processes)
