"""The steps found at the right run and of the right size in series that have several levels.

    python tools/several_levels.py [--series 240] [--seed 1]

Simulates series of 40 to 300 runs with 2 to 8 steps of 5 % to ×15 up or down, some of them back to an earlier level.
Segments have 5 runs or more; noise is 1, 3 or 8 % (plain, of two modes, with outliers, with drift and correlation). A
step is found within 3 runs. It is *obvious* where it is at least 15 % and six times the noise. Prints F1 of all steps;
the shares of obvious steps that are confirmed, and that are shown (confirmed or suspect); the median error of their
sizes; confirmed changes per 1,000 runs of series without a step. Takes under 10 s of one core.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from false_alarms import NOISE, NOISES, noise

from tbp.detection.detector import change_points

MARGIN = 3  # runs
SHORTEST = 5  # runs of a segment
OBVIOUS, OBVIOUS_SIGMAS = math.log1p(0.15), 6.0
TWO_MODES = 2.1  # standard deviation of noise with two modes ÷ its coefficient of variation
TRIES = 200


@dataclass(frozen=True)
class Levels:
    values: list[float]
    steps: tuple[tuple[int, float], ...]  # first run after the step, and its size as a logarithm
    sigma: float


@dataclass
class Counts:
    steps: int = 0
    claimed: int = 0
    hits: int = 0
    obvious: int = 0
    obvious_confirmed: int = 0
    obvious_shown: int = 0


def levels(rng: np.random.Generator) -> Levels:
    kind, cv, runs = str(rng.choice(NOISES)), float(rng.choice(NOISE)), int(rng.integers(40, 301))
    cuts: list[int] = []
    for _ in range(TRIES):
        cut = int(rng.integers(SHORTEST, runs - SHORTEST + 1))
        if len(cuts) < 8 and all(abs(cut - other) >= SHORTEST for other in cuts):
            cuts.append(cut)
    cuts = sorted(cuts[: int(rng.integers(2, 9))])
    level = [0.0]
    for _ in cuts:
        size = math.exp(rng.uniform(math.log(0.05), math.log(math.log(15)))) * float(rng.choice((-1, 1)))
        is_back = len(level) > 1 and rng.random() < 0.3
        level.append(level[-2] if is_back else level[-1] + size)
    logs = noise(rng, kind, cv, runs)
    for (start, end), height in zip(pairwise([0, *cuts, runs]), level, strict=True):
        logs[start:end] += height
    steps = tuple((cut, after - before) for cut, (before, after) in zip(cuts, pairwise(level), strict=True))
    return Levels((1e-3 * np.exp(logs)).tolist(), steps, cv * (TWO_MODES if kind == "two modes" else 1.0))


def counted(several: list[Levels]) -> tuple[Counts, list[float]]:
    """The counts of steps found and missed, and the errors (logarithms) in the sizes of found obvious steps."""
    counts, errors = Counts(), []
    for series in several:
        changes = change_points(series.values)
        free = {change.index: change for change in changes if change.confirmed}
        counts.claimed += len(free)
        counts.steps += len(series.steps)
        for cut, size in series.steps:
            nearest = min(free, key=lambda index: abs(index - cut), default=None)
            hit = free.pop(nearest) if nearest is not None and abs(nearest - cut) <= MARGIN else None
            counts.hits += hit is not None
            if abs(size) < max(OBVIOUS, OBVIOUS_SIGMAS * series.sigma):
                continue
            counts.obvious += 1
            counts.obvious_confirmed += hit is not None
            counts.obvious_shown += any(abs(change.index - cut) <= MARGIN for change in changes)
            if hit is not None:
                errors.append(abs(math.log(hit.after / hit.before) - size))
    return counts, errors


def false_per_1000(rng: np.random.Generator, series: int) -> float:
    false = runs = 0
    for _ in range(series):
        logs = noise(rng, str(rng.choice(NOISES)), float(rng.choice(NOISE)), int(rng.integers(40, 301)))
        false += sum(change.confirmed for change in change_points(np.exp(logs).tolist()))
        runs += len(logs)
    return 1000 * false / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=240)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    counts, errors = counted([levels(rng) for _ in range(options.series)])
    f1 = 2 * counts.hits / max(1, counts.claimed + counts.steps)
    print(
        f"{counts.steps} steps: F1 {f1:.3f}; of {counts.obvious} obvious ones "
        f"{counts.obvious_confirmed / max(1, counts.obvious):.1%} confirmed, "
        f"{counts.obvious_shown / max(1, counts.obvious):.1%} shown; size off by {np.median(errors):.4f} (log); "
        f"{false_per_1000(rng, options.series):.3f} false per 1,000 runs"
    )


if __name__ == "__main__":
    main()
