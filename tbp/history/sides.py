"""What was measured on the two sides of a change, small enough to be shown.

Takes the points of a series, its changes and a callable that gives the samples of a run's processes. Gives the two
sides of each change: samples where the ruler kept them for both, else the runs' medians. Drawing is left to the report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from tbp.history.measured import quantile
from tbp.history.series import Change, Commit, Point, Side, Sides

# A run's processes, each with its samples in the series' unit; empty where none are kept.
Samples: TypeAlias = Callable[[Commit], Sequence[Sequence[float]]]

# With three processes of up to 300 samples each, more runs would show the machine's days rather than the change.
RUNS_PER_SIDE = 5
# Dots in a strip half as wide as a page; more cover each other.
MOST_VALUES = 100


def sides(points: Sequence[Point], changes: Sequence[Change], samples: Samples) -> tuple[Sides | None, ...]:
    """The two sides of each of ``changes`` (ascending), None where one has no value: see ``Sides``."""
    edges = [0, *(change.index for change in changes), len(points)]
    return tuple(
        _sides(points[start:index][::-1], points[index:end], samples)
        for start, index, end in zip(edges, edges[1:], edges[2:], strict=False)
    )


def _sides(before: Sequence[Point], after: Sequence[Point], samples: Samples) -> Sides | None:
    """The points of both sides, the nearest first."""
    measured = [[point for point in side if point.has_level] for side in (before, after)]
    if not all(measured):
        return None
    old, new = (_with_samples(side, samples) for side in measured)
    if old and new:
        return Sides(_of_processes(old), _of_processes(new), of="samples")
    return Sides(_of_runs(measured[0][:MOST_VALUES]), _of_runs(measured[1][:MOST_VALUES]), of="run medians")


def _with_samples(side: Sequence[Point], samples: Samples) -> list[tuple[str, Sequence[float]]]:
    """(commit, samples) of each process of the nearest runs that have them."""
    nearest = side[:RUNS_PER_SIDE]
    return [(point.commit.hash, process) for point in nearest for process in samples(point.commit) if len(process)]


def _of_runs(side: Sequence[Point]) -> Side:
    values = [point.value for point in side]
    processes = sum(len(point.sessions) for point in side) if all(point.sessions for point in side) else 0
    return _thinned(values, len(side), processes)


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
