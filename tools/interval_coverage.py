"""How often the 99 % interval of a change's effect contains the true effect.

    python tools/interval_coverage.py [--series 2000]

First a step of 10 % at a known index, in four kinds of noise and several numbers of runs and sessions. Then steps of
several sizes at the index where the detector finds them. Takes about 20 s of one core.
"""

from __future__ import annotations

import argparse
import math
import random
from datetime import UTC, datetime
from statistics import median

from tbp.detection.detector import change_points
from tbp.detection.interval import with_interval
from tbp.model.changes import Change
from tbp.model.series import Commit, Outcome, Point

STEP = 0.1
SHAPES = ((7, 1, 3), (5, 3, 3), (4, 4, 0), (10, 10, 0), (30, 5, 0), (60, 60, 0))
NOISE = ("plain", "two modes", "outliers", "correlated")


def noise(kind: str, last: float, chance: random.Random) -> float:
    """The next run's deviation, about 3 %, as a logarithm."""
    match kind:
        case "two modes":
            return chance.gauss(0, 0.01) + (0.06 if chance.random() < 0.3 else 0)
        case "outliers":
            return chance.gauss(0, 0.02) + (0.3 if chance.random() < 0.05 else 0)
        case "correlated":
            return 0.5 * last + chance.gauss(0, 0.026)
    return chance.gauss(0, 0.03)


def trial(kind: str, shape: tuple[int, int, int], chance: random.Random) -> tuple[bool, float]:
    """True where one interval contains the true effect, and its width."""
    before, after, sessions = shape
    values, points, deviation = [], [], 0.0
    for index in range(before + after):
        deviation = noise(kind, deviation, chance)
        level = deviation + (STEP if index >= before else 0)
        sessions_s = [math.exp(level + chance.gauss(0, 0.03)) for _ in range(sessions)]
        values.append(median(sessions_s) if sessions_s else math.exp(level))
        commit = Commit(str(index), datetime(2026, 1, 1, tzinfo=UTC))
        points.append(Point(commit, Outcome.MEASURED, values[-1], sessions=tuple(sessions_s)))
    change = Change(before, median(values[:before]), median(values[before:]), 0.001, True)
    change = with_interval(change, (0, before + after), points)
    return change.low <= math.expm1(STEP) <= change.high, change.high - change.low


def detected(step: float, runs: int, chance: random.Random) -> tuple[float, ...]:
    """The interval of the only change that the detector finds in plain noise of 3 %; () unless it is one."""
    values = [math.exp(chance.gauss(0, 0.03) + (step if index >= runs // 2 else 0)) for index in range(runs)]
    changes = [change for change in change_points(values) if change.confirmed]
    if len(changes) != 1:
        return ()
    commit = Commit("c", datetime(2026, 1, 1, tzinfo=UTC))
    points = [Point(commit, Outcome.MEASURED, value) for value in values]
    change = with_interval(changes[0], (0, runs), points)
    return change.low, change.high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2000)
    number = parser.parse_args().series
    chance = random.Random(1)
    for kind in NOISE:
        for shape in SHAPES:
            trials = [trial(kind, shape, chance) for _ in range(number)]
            share = sum(is_inside for is_inside, _ in trials) / number
            before, after, sessions = shape
            print(
                f"{kind:<11} {before:>2} runs before, {after:>2} after, {sessions} sessions: "
                f"contained {share:.1%}, median width {median(width for _, width in trials):.1%}"
            )
    for step in (0.03, 0.05, 0.1):
        intervals = [bounds for _ in range(number // 2) if (bounds := detected(step, 60, chance))]
        inside = sum(low <= math.expm1(step) <= high for low, high in intervals)
        print(f"step of {step:.0%} in 60 runs: detected {len(intervals)}, contained {inside / len(intervals):.1%}")


if __name__ == "__main__":
    main()
