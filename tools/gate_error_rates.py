"""Error rates of ``tbp gate``: false claims, the share of changes that it finds, and the pairs that it needs.

    python tools/gate_error_rates.py [--gates 200] [--seed 1]

Simulates pairs without processes: the effect of a pair is the true one plus noise of a given standard deviation. It is
normal; or with heavy tails, where 15 % more hits one pair in ten, in either direction, unseen by CPU time; or with two
modes, where each process is by chance at one of two levels, four standard deviations apart, as memory layout does.
One benchmark in seven has the effect. Prints a line per setting; takes about five minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from tbp.model.changes import State
from tbp.statistics.paired_ratios import Pair
from tbp.turns.cells import Cell, Side
from tbp.turns.evidence import Evidence, Limits
from tbp.turns.judging import judgements
from tbp.turns.policy import run_gate

CELLS = (14, 300)
NOISE = (0.01, 0.02, 0.03, 0.05)
EFFECTS = (0.0, 0.02, 0.03, 0.05, 0.10)
CHANGED_SHARE = 1 / 7
HIT_SHARE, HIT = 0.10, 0.15
MODES_APART = 4.0
CPU_NOISE = 0.5  # part of the wall time's noise: CPU time has no waiting
CHANGES = (State.REGRESSION, State.IMPROVEMENT)


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    cells: int
    tails: str
    noise: float
    effect: float
    gates: int
    seed: int


@dataclass
class Outcomes:
    """The results of all gates of a setting, for benchmarks with and without the effect."""

    changed: Counter[State] = field(default_factory=Counter)
    unchanged: Counter[State] = field(default_factory=Counter)
    wrong_gates: int = 0  # gates that claim a change of an unchanged benchmark
    pairs: int = 0


def simulated(setting: Setting) -> Outcomes:
    rng = np.random.default_rng([setting.seed, setting.cells, round(1e4 * setting.noise), round(1e4 * setting.effect)])
    cells = [Cell(f"{i}", 0, ()) for i in range(setting.cells)]
    slower = set(cells[: round(setting.cells * CHANGED_SHARE)]) if setting.effect else set()
    true = {cell: float(np.log1p(setting.effect)) if cell in slower else 0.0 for cell in cells}

    def measure(due: Sequence[Cell], first: Side, has_room: Callable[[Cell], bool]) -> Iterator[tuple[Cell, Pair]]:
        wall = rng.normal(0, setting.noise, len(due))
        if setting.tails == "heavy":
            wall += HIT * rng.choice([-1, 1], len(due)) * (rng.random(len(due)) < HIT_SHARE)
        cpu = rng.normal(0, CPU_NOISE * setting.noise, len(due))
        if setting.tails == "two modes":
            modes = MODES_APART * setting.noise * np.diff(rng.integers(0, 2, (2, len(due))), axis=0)[0]
            wall, cpu = wall + modes, cpu + modes
        for cell, wall_noise, cpu_noise in zip(due, wall.tolist(), cpu.tolist(), strict=True):
            yield cell, Pair(true[cell] + wall_noise, true[cell] + cpu_noise, 1.0, 1.0)

    outcomes = Outcomes()
    for _ in range(-(-setting.gates * CELLS[0] // setting.cells)):
        evidence = [Evidence(cell) for cell in cells]
        run_gate(evidence, measure, Limits(), lambda *_: None)
        states = {judgement.benchmark: judgement.state for judgement in judgements(evidence, Limits())}
        for cell in cells:
            (outcomes.changed if cell in slower else outcomes.unchanged)[states[cell.benchmark]] += 1
        outcomes.wrong_gates += any(states[cell.benchmark] in CHANGES for cell in cells if cell not in slower)
        outcomes.pairs += sum(len(of_cell.pairs) for of_cell in evidence)
    return outcomes


def line(setting: Setting, outcomes: Outcomes) -> str:
    unchanged, changed = outcomes.unchanged.total(), outcomes.changed.total()
    false = sum(outcomes.unchanged[state] for state in CHANGES)
    states = (State.REGRESSION, State.NO_CHANGE, State.UNDECIDED)
    shares = [f"{outcomes.changed[state] / changed:.1%}" for state in states] if changed else ["–"] * 3
    gates = (unchanged + changed) // setting.cells
    numbers = [
        f"{setting.cells}",
        setting.tails,
        f"{setting.noise:.0%}",
        f"{setting.effect:.0%}",
        *shares,
        f"{false:,} of {unchanged:,}",
        f"{outcomes.wrong_gates} of {gates}",
        f"{outcomes.unchanged[State.NO_CHANGE] / unchanged:.1%}",
        f"{outcomes.pairs / (unchanged + changed):.1f}",
    ]
    return f"| {' | '.join(numbers)} |".replace("%", " %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--gates",
        type=int,
        default=200,
        help="gates of 14 benchmarks; fewer of 300, so that they have as many benchmarks",
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    settings = [
        # Without an effect, three times as many gates: false claims are rare.
        Setting(cells, tails, noise, effect, options.gates * (1 if effect else 3), options.seed)
        for cells, tails, noise, effect in product(CELLS, ("normal", "heavy", "two modes"), NOISE, EFFECTS)
    ]
    print(
        "| benchmarks | tails | sd of a pair | effect | regression | no change | undecided | false claims "
        "| gates with one | unchanged cleared | pairs |"
    )
    print("| --- " * 11 + "|")
    with ProcessPoolExecutor() as pool:
        for setting, outcomes in zip(settings, pool.map(simulated, settings), strict=True):
            print(line(setting, outcomes), flush=True)


if __name__ == "__main__":
    main()
