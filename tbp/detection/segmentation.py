"""The cheapest way to cut a series into segments of one level each, for noise of any shape.

Takes values and the cost of a deviation from a level, gives the boundaries; which of them are worth a claim is left to
``selection``. The cost is a negative log-likelihood (in nats), so two modes and outliers are part of the noise and not
a change of level.

Optimal partitioning by dynamic programming over the level: Johnson, "A dynamic programming algorithm for the fused
lasso and L0-segmentation", JCGS 22 (2013); Fearnhead and Rigaill, "Changepoint detection in the presence of
outliers", JASA 114 (2019). Levels and values are rounded to bins far narrower than the noise, which makes every loss
a table and one step of the program a handful of numpy calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tbp.system.arrays import Floats

# Gives the costs of deviations of −reach … reach bins.
Loss: TypeAlias = Callable[[int], Floats]

HUBER = 1.345  # in sigmas: from here on the loss is linear; 95 % efficient for normal noise (Huber 1964)
# Width of the kernel that smooths the density, in sigmas / n^0.2. Silverman's 1.06 (1986) would be best for normal
# noise, but brings half as many false alarms again; F1 on eight synthetic sets is 0.800 at 1.4, 0.796 at 1.8.
KERNEL = 1.38
HALF_OF_NORMAL = 1.349  # sigmas from the first to the third quartile
# Share of the density that is a Cauchy distribution of three sigmas, so that a value never seen before stays possible.
# 0.02 to 0.1 score alike.
WIDE_SHARE = 0.05
WIDE_SIGMAS = 3.0
# Of the tables that are filled at a time: 13 MB. More is not faster, a quarter takes half as long again.
MOST_CELLS = 1_600_000


class Segmentation(Struct, frozen=True):
    """Values cut into segments of one level each."""

    boundaries: tuple[int, ...]  # where a new segment begins, ascending
    cost: float  # in nats, with the penalties


class SegmentationTask(Struct, frozen=True, eq=False):
    """Values to segment, and the costs of deviations and of boundaries."""

    values: Floats
    width: float  # of the bins
    loss: Loss
    penalty: float


def segmentations(tasks: Sequence[SegmentationTask]) -> list[Segmentation]:
    """The cheapest segmentation of each task: its cost is the loss of every value at its segment's level, and a penalty
    a boundary.

    A level is always one of the values; the densest is close enough to the best. Several tasks are solved together,
    because a step of the program is so short that calling numpy would be most of it.
    """
    tables = [_table(task) for task in tasks]
    solved: dict[int, Segmentation] = {}
    # Tasks of like length go together, as each step is one of all of them; of these the ones with as many levels, so
    # that little of their common table is empty.
    order = sorted(range(len(tables)), key=lambda number: (tables[number].count.bit_length(), tables[number].levels))
    while order:
        count = max(tables[number].count for number in order)
        levels = max(tables[number].levels for number in order)
        room = max(1, MOST_CELLS // (count * levels))
        together, order = order[-room:], order[:-room]
        solved.update(zip(together, _cheapest([tables[number] for number in together]), strict=True))
    return [solved[number] for number in range(len(tasks))]


class _Table(Struct, frozen=True, eq=False):
    """The losses of a task's values at all levels that it may have."""

    level: NDArray[np.intp]  # of each value
    losses: Floats  # of a value at its level (row) if its segment's is another (column)
    penalty: float

    @property
    def count(self) -> int:
        return len(self.level)

    @property
    def levels(self) -> int:
        return len(self.losses)


def _table(task: SegmentationTask) -> _Table:
    places = np.rint((task.values - task.values.min()) / task.width).astype(np.intp)
    bins, level = np.unique(places, return_inverse=True)
    reach = int(bins[-1])
    return _Table(level, task.loss(reach)[bins[:, None] - bins[None, :] + reach], task.penalty)


def _cheapest(tables: Sequence[_Table]) -> list[Segmentation]:
    """The program itself, for several tables at once and for a stretch of their values at a time.

    Of all values only the cheapest level is kept, and for every level whether it is cheaper to come from there; so a
    series of 100,000 values takes a byte for each of them and level.
    """
    count, levels = max(table.count for table in tables), max(table.levels for table in tables)
    penalties = np.array([table.penalty for table in tables])
    level = np.empty((count, len(tables)), np.intp)
    costs = np.empty((count, len(tables)))
    is_new = np.zeros((count, len(tables), levels), np.bool_)
    rows = max(1, MOST_CELLS // (len(tables) * levels))
    last: Floats | None = None
    for start in range(0, count, rows):
        block = _losses(tables, start, min(rows, count - start), levels)
        if last is not None:
            block = np.concatenate([last[None], block])
        _accumulate(block, penalties)
        done = block[1:] if last is not None else block
        stretch = slice(start, start + len(done))
        level[stretch] = done.argmin(axis=2)
        costs[stretch] = np.take_along_axis(done, level[stretch, :, None], axis=2)[:, :, 0]
        first = start if last is not None else start + 1
        is_new[first : stretch.stop] = block[:-1] > (block[:-1].min(axis=2) + penalties)[:, :, None]
        last = block[-1]
    return [
        _traced(level[: table.count, number], costs[table.count - 1, number], is_new[:, number])
        for number, table in enumerate(tables)
    ]


def _losses(tables: Sequence[_Table], start: int, rows: int, levels: int) -> Floats:
    """The losses of the values from ``start`` on; infinite beyond a table's own values and levels."""
    block = np.full((rows, len(tables), levels), np.inf)
    for number, table in enumerate(tables):
        level = table.level[start : start + rows]
        block[: len(level), number, : table.levels] = table.losses[level]
    return block


def _accumulate(block: Floats, penalties: Floats) -> None:
    """Make each row the cheapest way to explain the values so far with the last of them at each level."""
    penalty, cheaper = penalties[:, None], np.empty(block.shape[1:])
    for before, row in pairwise(block):
        np.minimum(before, np.minimum.reduce(before, axis=1, keepdims=True) + penalty, out=cheaper)
        np.add(row, cheaper, out=row)


def _traced(level: NDArray[np.intp], cost: float, is_new: NDArray[np.bool_]) -> Segmentation:
    """The boundaries on the cheapest way, found from its end."""
    at, boundaries = int(level[-1]), []
    for i in range(len(level) - 1, 0, -1):
        if is_new[i, at]:
            boundaries.append(i)
            at = int(level[i - 1])
    return Segmentation(tuple(reversed(boundaries)), float(cost))


def huber_loss(width: float, sigma: float) -> Loss:
    """The loss while the noise is not known yet: squares near the level, straight lines beyond."""

    def loss(reach: int) -> Floats:
        size = np.abs(np.arange(-reach, reach + 1)) * (width / sigma)
        return np.where(size < HUBER, size**2 / 2, HUBER * size - HUBER**2 / 2)

    return loss


def density_loss(residuals: Floats, width: float, least_sigma: float) -> Loss:
    """Minus the logarithm of the residuals' own density: a kernel estimate with wide tails.

    Its scale is that of the denser half of the residuals, so that a second mode does not blur the first;
    ``least_sigma`` where they (nearly) repeat.
    """
    sigma = max(_sigma_of_denser_half(residuals), least_sigma)
    kernel_sigma = max(KERNEL * sigma * len(residuals) ** -0.2, width / 2)
    half = int(4 * kernel_sigma / width) + 1
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) * width / kernel_sigma) ** 2)
    kernel /= kernel.sum()
    bins = np.rint(residuals / width).astype(np.intp)

    def loss(reach: int) -> Floats:
        size = reach + half
        inside = np.minimum(np.maximum(bins, -reach), reach) + size
        counts = np.bincount(inside, minlength=2 * size + 1).astype(np.float64)
        density = np.convolve(counts, kernel, mode="same")[half:-half] / len(residuals)
        away = np.arange(-reach, reach + 1) * (width / (WIDE_SIGMAS * sigma))
        wide = width / (np.pi * WIDE_SIGMAS * sigma) / (1 + away**2)
        cost: Floats = -np.log((1 - WIDE_SHARE) * density + WIDE_SHARE * wide)
        return cost

    return loss


def _sigma_of_denser_half(residuals: Floats) -> float:
    """Width of the shortest interval with half of the values (the shorth), in that of a normal distribution."""
    ordered = np.sort(residuals)
    half = len(ordered) // 2
    return float(np.min(ordered[half:] - ordered[: len(ordered) - half])) / HALF_OF_NORMAL
