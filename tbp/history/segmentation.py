"""The cheapest way to cut a series into segments of one level each, for noise of any shape.

Takes values and what a deviation from a level costs, gives the boundaries; which of them are worth a claim is left to
``long``. The cost is a negative log-likelihood (in nats), so two modes and outliers are part of the noise and not a
change of level.

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

from tbp.history.measured import Floats

# What deviations of −reach … reach bins cost.
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
# Of the tables that are filled together: 13 MB. More is not faster, a quarter takes half as long again.
MOST_CELLS = 1_600_000


class Segmentation(Struct, frozen=True):
    boundaries: tuple[int, ...]  # where a new segment begins, ascending
    cost: float  # in nats, with the penalties


class Question(Struct, frozen=True):
    """Values to segment: see ``segmentations``."""

    values: Floats
    width: float  # of the bins
    loss: Loss
    penalty: float


def segmentations(questions: Sequence[Question]) -> list[Segmentation]:
    """The cheapest segmentation of each: the loss of every value at its segment's level, and a penalty a boundary.

    A level is always one of the values; the densest is close enough to the best. Several are answered together,
    because a step of the program is so short that calling numpy would be most of it.
    """
    tables = [_losses(question) for question in questions]
    answers: list[Segmentation | None] = [None] * len(questions)
    # Those of like length go together, as each step is one of all of them; of these those with as many levels, so that
    # little of their common table is empty.
    order = sorted(range(len(tables)), key=lambda place: (len(tables[place]).bit_length(), tables[place].shape[1]))
    while order:
        count, levels = (max(tables[place].shape[axis] for place in order) for axis in (0, 1))
        room = max(1, MOST_CELLS // (count * levels))
        together, order = order[-room:], order[:-room]
        penalties = [questions[place].penalty for place in together]
        _accumulate([tables[place] for place in together], penalties)
        for place, penalty in zip(together, penalties, strict=True):
            answers[place] = _cheapest(tables[place], penalty)
    return [answer for answer in answers if answer is not None]


def _losses(question: Question) -> Floats:
    """What each value (row) costs at each level (column)."""
    places = np.rint((question.values - question.values.min()) / question.width).astype(np.intp)
    bins, own = np.unique(places, return_inverse=True)
    reach = int(bins[-1])
    costs: Floats = question.loss(reach)[bins[:, None] - bins[None, :] + reach]
    return costs[own]


def _accumulate(tables: Sequence[Floats], penalties: Sequence[float]) -> None:
    """Row i of each table becomes the cheapest way to explain the values 0 … i with the last one at each level."""
    count, levels = (max(table.shape[axis] for table in tables) for axis in (0, 1))
    whole = np.full((count, len(tables), levels), np.inf)
    for place, table in enumerate(tables):
        whole[: len(table), place, : table.shape[1]] = table
    penalty, cheaper = np.array(penalties)[:, None], np.empty(whole.shape[1:])
    for before, row in pairwise(whole):
        np.minimum(before, np.minimum.reduce(before, axis=1, keepdims=True) + penalty, out=cheaper)
        np.add(row, cheaper, out=row)
    for place, table in enumerate(tables):
        table[:] = whole[: len(table), place, : table.shape[1]]


def _cheapest(table: Floats, penalty: float) -> Segmentation:
    places = table.argmin(axis=1)
    costs = table[np.arange(len(table)), places]
    cheapest, too_dear = places.tolist(), (costs + penalty).tolist()
    level = cheapest[-1]
    boundaries = []
    for i in range(len(table) - 1, 0, -1):
        if table.item(i - 1, level) > too_dear[i - 1]:
            boundaries.append(i)
            level = cheapest[i - 1]
    return Segmentation(tuple(reversed(boundaries)), float(costs[-1]))


def huber_loss(width: float, sigma: float) -> Loss:
    """Squares near the level, straight lines beyond: what a deviation costs while its noise is not known yet."""

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
