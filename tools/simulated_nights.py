"""How soon nights with pairs find a step, and how often they claim a step where there is none.

    python tools/simulated_nights.py RESULTS [RESULTS ...] [--series 300] [--nights 30000] [--seed 1]

RESULTS are results folders of asv. A running median removes the levels of each long series; the residuals, in blocks
that keep their order, are the noise of simulated runs. Nights come one at a time after sixty runs without pairs. Each
adds a run, a few pairs of its commit against the first commit of the level, and the fresh pairs that
``tbp.history.paired_changes.wanted`` gives. A night reports the changes that ``with_pairs`` makes of the detector's:
the functions that ``tbp nightly`` uses.

Steps of 5 and 10 % come at a random night. Prints for each noise of a pair the steps found that night, within 2 and
within 3 nights; alarms per 1,000 nights of series without a step, with pairs and without; and fresh pairs per night.
Takes about half an hour on two cores for one folder, and two minutes with --series 20 --nights 2000.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, repeat
from math import log1p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from tbp.asv.ratios import Ratio
from tbp.asv.results import read_results
from tbp.asv.sessions import Sessions
from tbp.detection.detector import change_points
from tbp.history.paired_changes import wanted, with_pairs
from tbp.history.paired_evidence import SETTLING_RUNS
from tbp.history.runs_of_series import rows_by_series
from tbp.model.changes import Change
from tbp.model.series import Commit, Outcome, Point
from tbp.nightly.night_pairs import NIGHT_PAIRS
from tbp.project.commits import read_commits

BEFORE = 60  # runs measured without pairs
NIGHTS = 20  # of one series
STEP_NIGHTS = (4, 15)  # a step comes at one of these nights, the last excluded
MOST_FRESH = 100  # pairs that a night's budget has for one series
BLOCK = 10  # runs of the noise that stay together
WINDOW = 21  # of the running median: levels of real series are shorter than a hundred runs
LEAST_RUNS = 40
SIZES = (0.05, 0.10)
# sd of one pair: as measured; and such that the mean of a night's pairs has the same.
PAIR_NOISE = (0.03, 0.03 * NIGHT_PAIRS**0.5)
DAY = datetime(2026, 1, 1, tzinfo=UTC)

Floats = NDArray[np.float64]


@dataclass
class Outcomes:
    """The results of the nights of some series."""

    delays: list[int] = field(default_factory=list)  # nights until the step was reported; NIGHTS + 1 where it never was
    misplaced: int = 0
    alarms: int = 0  # in nights without a step
    alarms_alone: int = 0  # those that the detector would have raised without pairs
    nights: int = 0
    fresh: int = 0  # pairs


def residuals(folder: Path) -> list[Floats]:
    """The residuals of each long series in a results folder: logarithms minus their running median."""
    results = read_results(folder)
    all_residuals = []
    for runs in rows_by_series(results, Sessions(), read_commits(results.commits)):
        values = runs.points.columns.value
        values = values[np.isfinite(values) & (values > 0)]
        if len(values) >= LEAST_RUNS and len(set(values.tolist())) > len(values) / 2:
            logs = np.log(values)
            all_residuals.append(logs - median_filter(logs, size=WINDOW, mode="nearest"))
    return all_residuals


def nights(seed: int, noise: Sequence[Floats], size: float, pair_noise: float, series: int) -> Outcomes:
    """The results of simulated nights of ``series`` series."""
    rng = np.random.default_rng([seed, round(1e4 * size), round(1e4 * pair_noise)])
    outcomes = Outcomes()
    for _ in range(series):
        source = noise[int(rng.integers(len(noise)))]
        starts = rng.integers(0, len(source) - BLOCK + 1, (BEFORE + NIGHTS) // BLOCK)
        logs = np.concatenate([source[start : start + BLOCK] for start in starts])
        at = BEFORE + int(rng.integers(*STEP_NIGHTS)) if size else len(logs)
        true = np.where(np.arange(len(logs)) >= at, log1p(size), 0.0)
        _add_series(rng, np.exp(logs + true), true, at, pair_noise, outcomes)
    return outcomes


def _add_series(
    rng: np.random.Generator, values: Floats, true: Floats, at: int, pair_noise: float, outcomes: Outcomes
) -> None:
    """Add the nights of one series, with a step ``at`` a run, to ``outcomes``."""
    points = [Point(Commit(f"{i:040}", DAY + timedelta(i)), Outcome.MEASURED, value) for i, value in enumerate(values)]
    ratios: list[Ratio] = []

    def measure(base: int, head: int, pairs: int, is_fresh: bool) -> None:
        effects = rng.normal(true[head] - true[base], pair_noise, pairs)
        names = points[base].commit.hash, points[head].commit.hash
        ratios.append(Ratio(*names, tuple(effects.tolist()), is_fresh))

    reported = _confirmed(change_points(values[:BEFORE].tolist()))
    reported_alone = set(reported)
    anchor = max([0, *reported])
    for newest in range(BEFORE, len(values)):
        changes, shown = change_points(values[: newest + 1].tolist()), points[: newest + 1]
        if newest < at:
            outcomes.nights += 1
            outcomes.alarms_alone += _is_news(_confirmed(changes), reported_alone)
            reported_alone |= _confirmed(changes)
        measure(anchor, newest, NIGHT_PAIRS, is_fresh=False)
        spent = 0
        news = partial(_is_fresh, reported)
        while (more := wanted(changes, shown, ratios, 0.0, news)) is not None and spent + more.pairs <= MOST_FRESH:
            measure(more.base, more.head, more.pairs, is_fresh=True)
            spent += more.pairs
        outcomes.fresh += spent
        confirmed = _confirmed(with_pairs(changes, shown, ratios, 0.0))
        if _is_news(confirmed, reported):
            if newest >= at:
                outcomes.delays.append(newest - at + 1)
                outcomes.misplaced += not any(abs(index - at) <= SETTLING_RUNS for index in confirmed)
                return
            outcomes.alarms += 1
            reported |= confirmed
    if at < len(values):
        outcomes.delays.append(NIGHTS + 1)


def _confirmed(changes: Sequence[Change]) -> set[int]:
    return {change.index for change in changes if change.is_verdict}


def _is_fresh(before: set[int], change: Change) -> bool:
    return _is_news({change.index}, before)


def _is_news(confirmed: set[int], before: set[int]) -> bool:
    return any(all(abs(index - old) > SETTLING_RUNS for old in before) for index in confirmed)


def line(name: str, pair_noise: float, size: float, outcomes: Outcomes) -> str:
    if not size:
        alone, alarms = (1000 * count / outcomes.nights for count in (outcomes.alarms_alone, outcomes.alarms))
        return (
            f"{name} | {pair_noise:.1%} | none | {outcomes.nights:,} nights: {alarms:.3f} alarms per 1,000 nights "
            f"({alone:.2f} by the series alone) | {outcomes.fresh / outcomes.nights:.1f} fresh pairs a night"
        )
    within = [np.mean(np.asarray(outcomes.delays) <= nights) for nights in (1, 2, 3)]
    shares = " · ".join(f"{share:.1%}" for share in within)
    return (
        f"{name} | {pair_noise:.1%} | {size:.0%} | {shares} | "
        f"{outcomes.misplaced} of {len(outcomes.delays)} misplaced, {outcomes.alarms} alarms before"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--series", type=int, default=300, help="series with a step of each size")
    parser.add_argument("--nights", type=int, default=30_000, help="nights without a step")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print("noise of | sd of a pair | step | found the same night · within 2 · within 3 |")
    parts = 4
    with ProcessPoolExecutor(2) as pool:
        for folder in options.results:
            noise = residuals(folder)
            for pair_noise in PAIR_NOISE:
                for size in (*SIZES, 0.0):
                    series = options.series if size else options.nights // NIGHTS
                    seeds = [options.seed * parts + part for part in range(parts)]
                    settings = (repeat(noise), repeat(size), repeat(pair_noise), repeat(-(-series // parts)))
                    outcomes = _joined(pool.map(nights, seeds, *settings))
                    print(line(str(folder), pair_noise, size, outcomes), flush=True)


def _joined(parts: Iterable[Outcomes]) -> Outcomes:
    parts = list(parts)
    return Outcomes(
        delays=list(chain.from_iterable(part.delays for part in parts)),
        misplaced=sum(part.misplaced for part in parts),
        alarms=sum(part.alarms for part in parts),
        alarms_alone=sum(part.alarms_alone for part in parts),
        nights=sum(part.nights for part in parts),
        fresh=sum(part.fresh for part in parts),
    )


if __name__ == "__main__":
    main()
