"""The verdicts on short series whose noise is larger on one side of a commit, with a step there and without.

    python tools/unequal_noise.py [--series 2000] [--seed 1]

Simulates series of 5 to 19 runs, with three sessions each or a single value. Noise of a session is 5 %, and of a run
2 % more. From one commit on both are as many times as large as the table says. Prints the shares of series in which a
change is confirmed, and in which one is only suspect. A step has to be seen at its commit or beside it. Skewed noise
that grows takes the level with it: there the column without a step has a small one, too. Takes a minute of one core.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np

from tbp.detection.detector import Values, change_points_of

PROCESS, RUN = 0.05, 0.02
RUNS = (5, 19)
MARGIN = 1  # runs that a step may be off
NOISES = ("normal", "skewed")  # a busy machine only makes runs longer
SESSIONS = (1, 3)
TIMES_NOISE = (1.0, 1 / 0.3, 0.1)
STEPS = (0.0, 0.3, 0.6)


def noise(dice: np.random.Generator, kind: str, sigma: float, size: tuple[int, ...]) -> np.ndarray:
    return dice.normal(0, sigma, size) if kind == "normal" else dice.exponential(sigma, size)


def simulated(dice: np.random.Generator, kind: str, sessions: int, step: float, times: float) -> tuple[Values, int]:
    """A series, and the run at which its noise and its level change."""
    runs = int(dice.integers(RUNS[0], RUNS[1] + 1))
    at = int(dice.integers(2, runs - 1))
    scale = np.where(np.arange(runs) < at, 1.0, times)[:, None]
    logs = scale * (noise(dice, kind, RUN, (runs, 1)) + noise(dice, kind, PROCESS, (runs, sessions)))
    logs[at:] += np.log1p(step)
    measured = np.exp(logs)
    return Values(np.median(measured, axis=1).tolist(), measured.tolist() if sessions > 1 else None), at


def shares(series: list[tuple[Values, int]], step: float) -> str:
    """The share of ``series`` in which the ``step`` is confirmed, and in which it is only suspect."""
    confirmed = suspect = 0
    for (_, at), changes in zip(series, change_points_of([values for values, _ in series]), strict=True):
        near = [change for change in changes if not step or abs(change.index - at) <= MARGIN]
        is_confirmed = any(change.confirmed for change in near)
        confirmed += is_confirmed
        suspect += bool(near) and not is_confirmed
    return f"{confirmed / len(series):.1%} / {suspect / len(series):.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=2000, help="simulated for each cell of the table")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("confirmed / only suspect, % of series\n")
    print(f"| noise | sessions | times as large | {' | '.join(f'a step of {step:.0%}' for step in STEPS)} |")
    print("| --- | --- | --- |" + " --- |" * len(STEPS))
    for kind, sessions, times in product(NOISES, SESSIONS, TIMES_NOISE):
        cells = []
        for step in STEPS:
            dice = np.random.default_rng(options.seed)
            series = [simulated(dice, kind, sessions, step, times) for _ in range(options.series)]
            cells.append(shares(series, step))
        print(f"| {kind} | {sessions} | {times:.2g} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
