"""The changes that a report claims where nothing changed, and the share of real changes that it finds.

    python tools/false_alarms.py [--reports 4] [--series 500] [--seed 1]

Simulates reports of many series, of one kind each. Noise of 1, 3 and 8 % is plain, of two modes, with outliers, or
with drift and correlation. Series are long (100-300 runs, one value each), or of 15 or 8 runs with three sessions each,
whose noise the run shares in part. Prints, without and with control of false discovery
(docs/explanation/change-points.md), the number of claimed changes that are no step, and the share of steps of 10 %
found at the right run, where one series in twenty has one. A report of 500 long series takes about 4 s of one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tbp.detection.detector import change_points
from tbp.detection.false_discovery import controlled
from tbp.model.changes import Change

RATE = 0.05
STEP = 0.10
CHANGED_SHARE = 0.05
NOISE = (0.01, 0.03, 0.08)
NOISES = ("plain", "two modes", "outliers", "drift")
SESSIONS = 3
SHARED = 0.4  # part of a run's noise, by standard deviation, measured on pairs of processes in one run and in two
MARGIN = 5  # runs by which a found step of a long series may be off


@dataclass(frozen=True)
class Simulated:
    values: list[float]
    sessions: list[list[float]] | None
    step_at: int | None


def noise(rng: np.random.Generator, kind: str, cv: float, runs: int) -> np.ndarray:
    """Logarithms of a run's value around its level."""
    logs = rng.normal(0, cv, runs)
    if kind == "two modes":
        logs += np.where(rng.random(runs) < 0.3, np.log1p(4 * cv), 0)
    elif kind == "outliers":
        logs += np.where(rng.random(runs) < 0.03, np.log(rng.uniform(1.2, 2.0, runs)), 0)
    elif kind == "drift":
        for i in range(1, runs):
            logs[i] = 0.3 * logs[i - 1] + 0.91**0.5 * logs[i]
        logs += rng.choice([-1, 1]) * cv * np.arange(runs) / 200
    return logs


def long_series(rng: np.random.Generator, kind: str, cv: float, changed: bool) -> Simulated:
    runs = int(rng.integers(100, 301))
    level = noise(rng, kind, cv, runs)
    at = int(rng.integers(15, runs - 14)) if changed else None
    if at is not None:
        level[at:] += np.log1p(STEP) * rng.choice([-1, 1])
    return Simulated(np.exp(level).tolist(), None, at)


def short_series(runs: int) -> Callable[[np.random.Generator, str, float, bool], Simulated]:
    def series(rng: np.random.Generator, kind: str, cv: float, changed: bool) -> Simulated:
        level = SHARED * noise(rng, kind, cv, runs)
        at = int(rng.integers(1, runs)) if changed else None
        if at is not None:
            level[at:] += np.log1p(STEP) * rng.choice([-1, 1])
        unshared = (1 - SHARED**2) ** 0.5 * noise(rng, "plain", cv, runs * SESSIONS).reshape(runs, SESSIONS)
        sessions = np.exp(level[:, None] + unshared)
        return Simulated(np.median(sessions, axis=1).tolist(), sessions.tolist(), at)

    return series


LENGTHS = {"long": long_series, "15 runs": short_series(15), "8 runs": short_series(8)}


def report(rng: np.random.Generator, length: str, kind: str, series: int, changed: float) -> list[Simulated]:
    """``series`` series of one length and kind, each size of noise in turn; the first share ``changed`` has a step."""
    steps = round(series * changed)
    return [LENGTHS[length](rng, kind, NOISE[i % len(NOISE)], i < steps) for i in range(series)]


def false_changes(simulated: Sequence[Simulated], changes: Sequence[Sequence[Change]]) -> int:
    """The number of confirmed changes that are no step."""
    return sum(
        change.confirmed and not _is_step(series, change)
        for series, of_series in zip(simulated, changes, strict=True)
        for change in of_series
    )


def found_steps(simulated: Sequence[Simulated], changes: Sequence[Sequence[Change]]) -> int:
    return sum(
        any(change.confirmed and _is_step(series, change) for change in of_series)
        for series, of_series in zip(simulated, changes, strict=True)
        if series.step_at is not None
    )


def _is_step(series: Simulated, change: Change) -> bool:
    margin = 0 if series.sessions else MARGIN
    return series.step_at is not None and abs(change.index - series.step_at) <= margin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=4, help="simulated for each line of the table")
    parser.add_argument("--series", type=int, default=500, help="in each of them")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"per report of {options.series} series; without → with control at {RATE:.0%}")
    print("| series | noise | false, none changed | false, 5 % changed | steps of 10 % found |")
    print("| --- | --- | --- | --- | --- |")
    for length in LENGTHS:
        for kind in NOISES:
            rng = np.random.default_rng([options.seed, *map(ord, length + kind)])
            cells = []
            for changed in (0.0, CHANGED_SHARE):
                before, after, power_before, power_after, steps = 0, 0, 0, 0, 0
                for _ in range(options.reports):
                    simulated = report(rng, length, kind, options.series, changed)
                    alone = [change_points(series.values, series.sessions, counter=False) for series in simulated]
                    together = controlled(alone, RATE)
                    before += false_changes(simulated, alone)
                    after += false_changes(simulated, together)
                    power_before += found_steps(simulated, alone)
                    power_after += found_steps(simulated, together)
                    steps += sum(series.step_at is not None for series in simulated)
                cells.append(f"{before / options.reports:.1f} → {after / options.reports:.1f}")
                if steps:
                    cells.append(f"{power_before / steps:.0%} → {power_after / steps:.0%}")
            print(f"| {length} | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
