"""How many changes a report claims where nothing changed, and how many it finds where something did.

    python tools/false_alarms.py [--reports 4] [--series 500] [--seed 1]

Simulates reports of many series, of one kind each: noise of 1, 3 and 8 %, plain, of two modes, with outliers, with
drift and correlation; long (100-300 runs, one value each), of 15 runs and of 8 runs, both with three sessions a run
whose noise the run shares in part. Prints, without and with control of false discovery (docs/verdict.md, "History"),
how many unchanged series are claimed to have changed, and what share of steps of 10 % in one series of twenty is
found, at the right place. CPU time of one process; about 4 s for a report of 500 long series.
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
SHARED = 0.4  # of a run's noise, by standard deviation: measured on pairs of processes in one run and in two
MARGIN = 5  # runs by which a step in a long series may be missed


@dataclass(frozen=True)
class Simulated:
    values: list[float]
    sessions: list[list[float]] | None
    step_at: int | None


def noise(rng: np.random.Generator, kind: str, cv: float, runs: int) -> np.ndarray:
    """Logarithms of a run's value around its level."""
    own = rng.normal(0, cv, runs)
    if kind == "two modes":
        own += np.where(rng.random(runs) < 0.3, np.log1p(4 * cv), 0)
    elif kind == "outliers":
        own += np.where(rng.random(runs) < 0.03, np.log(rng.uniform(1.2, 2.0, runs)), 0)
    elif kind == "drift":
        for i in range(1, runs):
            own[i] = 0.3 * own[i - 1] + 0.91**0.5 * own[i]
        own += rng.choice([-1, 1]) * cv * np.arange(runs) / 200
    return own


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
        own = (1 - SHARED**2) ** 0.5 * noise(rng, "plain", cv, runs * SESSIONS).reshape(runs, SESSIONS)
        sessions = np.exp(level[:, None] + own)
        return Simulated(np.median(sessions, axis=1).tolist(), sessions.tolist(), at)

    return series


LENGTHS = {"long": long_series, "15 runs": short_series(15), "8 runs": short_series(8)}


def report(rng: np.random.Generator, length: str, kind: str, series: int, changed: float) -> list[Simulated]:
    """``series`` series of one length and kind, the noise in turns, the first ``changed`` of them with a step."""
    steps = round(series * changed)
    return [LENGTHS[length](rng, kind, NOISE[i % len(NOISE)], i < steps) for i in range(series)]


def false_changes(simulated: Sequence[Simulated], found: Sequence[Sequence[Change]]) -> int:
    """Confirmed changes that are no step."""
    return sum(
        own.confirmed and not _is_step(one, own)
        for one, changes in zip(simulated, found, strict=True)
        for own in changes
    )


def found_steps(simulated: Sequence[Simulated], found: Sequence[Sequence[Change]]) -> int:
    return sum(
        any(own.confirmed and _is_step(one, own) for own in changes)
        for one, changes in zip(simulated, found, strict=True)
        if one.step_at is not None
    )


def _is_step(one: Simulated, change: Change) -> bool:
    margin = 0 if one.sessions else MARGIN
    return one.step_at is not None and abs(change.index - one.step_at) <= margin


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
                    alone = [change_points(one.values, one.sessions, counter=False) for one in simulated]
                    together = controlled(alone, RATE)
                    before += false_changes(simulated, alone)
                    after += false_changes(simulated, together)
                    power_before += found_steps(simulated, alone)
                    power_after += found_steps(simulated, together)
                    steps += sum(one.step_at is not None for one in simulated)
                cells.append(f"{before / options.reports:.1f} → {after / options.reports:.1f}")
                if steps:
                    cells.append(f"{power_before / steps:.0%} → {power_after / steps:.0%}")
            print(f"| {length} | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
