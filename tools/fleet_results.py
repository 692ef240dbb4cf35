"""Results of fleets that cannot be run here, made up, with noise that is learned from real ones.

Takes a ``Fleet``, writes a results folder as asv writes it. Other tools import this module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from synthetic_project import COLUMNS

FIRST_MS, HOUR_MS = 1_700_000_000_000, 3_600_000
HOURS_BETWEEN = 12  # two commits a day
CELLS_OF_BENCHMARK = 8
ENVIRONMENT = "virtualenv-py3.12"
# Of series, where no real results are named: spread, share of outliers, correlation of successive runs. The middle of
# 1,500 series of hosted and pinned runners.
USUAL_NOISE = np.array([[0.02, 0.01, 0.1], [0.05, 0.02, 0.2], [0.005, 0.0, 0.0], [0.01, 0.01, 0.3]])
LEAST_RUNS = 20  # of a series that noise is learned from
OUTLIER = 5.0  # spreads from the median
LARGEST_SPREAD = 0.3  # of a series: a few real ones have 1 and more, in which nobody finds a step
STEP_SHARE = 0.2  # of the benchmarks, one step each, at one commit for all of its cells on all machines
STEPS = (0.03, 0.05, 0.1, 0.2, 0.5)  # sizes, half of them for the better


@dataclass(frozen=True)
class Fleet:
    """``cells`` of benchmarks, each measured on every machine at every commit."""

    cells: int
    machines: int
    commits: int

    @property
    def points(self) -> int:
        return self.cells * self.machines * self.commits

    @property
    def benchmarks(self) -> int:
        return -(-self.cells // CELLS_OF_BENCHMARK)


@dataclass(frozen=True)
class Truth:
    """The fleet as it is: the levels of the cells, and the steps of the benchmarks."""

    levels: NDArray[np.float64]  # of each cell, in seconds
    noise: NDArray[np.float64]  # of each machine and cell: spread, share of outliers, correlation
    factors: NDArray[np.float64]  # of each machine
    step_at: NDArray[np.int64]  # of each benchmark: the commit; -1 without a step
    step_log: NDArray[np.float64]


def truth(fleet: Fleet, noise: NDArray[np.float64], dice: np.random.Generator) -> Truth:
    step_at = np.where(
        dice.random(fleet.benchmarks) < STEP_SHARE,
        dice.integers(fleet.commits // 5, max(fleet.commits * 4 // 5, fleet.commits // 5 + 1), fleet.benchmarks),
        -1,
    )
    sizes = np.log1p(dice.choice(STEPS, fleet.benchmarks)) * dice.choice([-1, 1], fleet.benchmarks)
    return Truth(
        10 ** dice.uniform(-6, 0, fleet.cells),
        noise[dice.integers(0, len(noise), (fleet.machines, fleet.cells))],
        10 ** dice.uniform(-0.3, 0.3, fleet.machines),
        step_at,
        sizes,
    )


def values(fleet: Fleet, fact: Truth, machine: int, dice: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """The values of all cells on one machine, commit after commit."""
    spread, outliers, correlation = (fact.noise[machine, :, column] for column in range(3))
    benchmark = np.arange(fleet.cells) // CELLS_OF_BENCHMARK
    carried = np.zeros(fleet.cells)
    for commit in range(fleet.commits):
        carried = correlation * carried + np.sqrt(1 - correlation**2) * dice.standard_normal(fleet.cells)
        logs = spread * carried + np.where(dice.random(fleet.cells) < outliers, np.log(1.5), 0.0)
        stepped = (fact.step_at[benchmark] >= 0) & (commit >= fact.step_at[benchmark])
        yield fact.levels * fact.factors[machine] * np.exp(logs + np.where(stepped, fact.step_log[benchmark], 0.0))


def commit_hash(commit: int) -> str:
    """A hash whose first eight digits are as different as those of git."""
    return f"{(commit * 2_654_435_761 + 97) % 2**32:08x}{commit:032x}"


def machine_name(machine: int) -> str:
    return f"runner-{machine:03}"


def write_results(
    folder: Path, fleet: Fleet, noise: NDArray[np.float64] = USUAL_NOISE, seed: int = 1,
    ready: Callable[[int], None] | None = None, span: range | None = None,
) -> Truth:  # fmt: skip
    """The results of ``fleet`` as asv writes them, of the commits of ``span`` or of all.

    ``ready`` is called after the runs of each commit.
    """
    wanted = span if span is not None else range(fleet.commits)
    dice = np.random.default_rng(seed)
    fact = truth(fleet, noise, dice)
    rows = [values(fleet, fact, machine, np.random.default_rng([seed, machine])) for machine in range(fleet.machines)]
    for machine in range(fleet.machines):
        (folder / machine_name(machine)).mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.json").write_text(json.dumps({"version": 2}))
    names = [f"suite_{number % 20}.Suite.time_{number}" for number in range(fleet.benchmarks)]
    params = [[f"'{cell}'" for cell in range(CELLS_OF_BENCHMARK)]]
    for commit in range(wanted.stop):
        name = commit_hash(commit)
        if commit not in wanted:
            for of_machine in rows:
                next(of_machine)
            continue
        for machine, of_machine in enumerate(rows):
            column = next(of_machine)
            results = {
                names[number]: _row(
                    column[number * CELLS_OF_BENCHMARK : (number + 1) * CELLS_OF_BENCHMARK], params, commit
                )
                for number in range(fleet.benchmarks)
            }
            facts = {"machine": machine_name(machine), "cpu": "Some CPU", "num_cpu": "8", "ram": str(2**34)}
            content = {
                "version": 2, "commit_hash": name, "env_name": ENVIRONMENT, "python": "3.12", "requirements": {},
                "date": FIRST_MS + commit * HOURS_BETWEEN * HOUR_MS, "params": facts, "result_columns": COLUMNS,
                "results": results,
            }  # fmt: skip
            path = folder / machine_name(machine) / f"{name[:8]}-{ENVIRONMENT}.json"
            path.write_bytes(msgspec.json.encode(content))
        if ready is not None:
            ready(commit)
    return fact


def _row(column: NDArray[np.float64], params: list[list[str]], commit: int) -> list[object]:
    cells, count = column.tolist(), len(column)
    low, high = (column * 0.99).tolist(), (column * 1.01).tolist()
    started = FIRST_MS + commit * HOURS_BETWEEN * HOUR_MS + HOUR_MS
    return [cells, [params[0][:count]], "v1", started, 1.0, low, high, low, high, [10] * count, [5] * count]


def learned(folders: Sequence[Path]) -> NDArray[np.float64]:
    """Spread, share of outliers and correlation of each real series with LEAST_RUNS; without any, USUAL_NOISE."""
    from tbp.asv.results import SERIES, read_results

    noise = []
    for folder in folders:
        frame = read_results(folder).frame
        measured = frame[(frame["value"] > 0) & (frame["type"] == "time")].sort_values("date")
        for _, series in (measured if len(measured) else frame[frame["value"] > 0]).groupby(SERIES, observed=True):
            if len(series) >= LEAST_RUNS:
                noise.append(_noise(np.log(series["value"].to_numpy())))
    sound = [row for row in noise if row is not None and 0 < row[0] <= LARGEST_SPREAD]
    return np.array(sound) if sound else USUAL_NOISE


def _noise(logs: NDArray[np.float64]) -> tuple[float, float, float] | None:
    """The noise of a series, from differences of successive runs, in which a step is only one of many."""
    steps = np.diff(logs)
    spread = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2)
    if not spread > 0:
        return None
    around = logs - np.array([np.median(logs[max(0, at - 5) : at + 6]) for at in range(len(logs))])
    calm = np.clip(around / spread, -3, 3)
    correlation = float(np.clip(np.corrcoef(calm[1:], calm[:-1])[0, 1], 0, 0.9)) if calm.std() > 0 else 0.0
    return spread, float(np.mean(np.abs(around) > OUTLIER * spread)), correlation
