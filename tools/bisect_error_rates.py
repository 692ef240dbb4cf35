"""Error rates of ``tbp bisect``: wrong culprits, culprits that it finds, and the gates and pairs that it needs.

    python tools/bisect_error_rates.py [--searches 200] [--commits 32] [--tails heavy] [--seed 1]

Simulates pairs without processes, as ``gate_error_rates.py`` does and with its three kinds of noise. The commits are a
line; a random one of them has the effect, or none has. "two steps" splits it in two parts, 60 and 40 %, at two random
commits. Prints a line per setting; takes about five minutes on two cores. Gates are those of searches that passed the
ends: these are one, and each halving is one.
"""

from __future__ import annotations

import argparse
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from gate_error_rates import CPU_NOISE, HIT, HIT_SHARE, MODES_APART

from tbp.bisect.search import LineSearch
from tbp.bisect.trials import Ruling
from tbp.statistics.paired_ratios import Pair
from tbp.turns.evidence import Limits

TAILS = ("normal", "heavy", "two modes")
NOISE = (0.01, 0.02, 0.03, 0.05)
EFFECTS = (0.0, 0.03, 0.05, 0.10)


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    tails: str
    noise: float
    effect: float
    steps: int
    commits: int
    searches: int
    seed: int


@dataclass
class Outcomes:
    """The results of all searches of a setting."""

    ends: Counter[str] = field(default_factory=Counter)
    indirect: int = 0  # searches that name a commit without fresh pairs against the one before it
    missed: int = 0  # of these: the interval does not hold the step's true effect
    gates: list[int] = field(default_factory=list)
    pairs: list[int] = field(default_factory=list)


def simulated(setting: Setting) -> Outcomes:
    rng = np.random.default_rng([setting.seed, round(1e4 * setting.noise), round(1e4 * setting.effect), setting.steps])
    outcomes = Outcomes()
    for _ in range(setting.searches):
        level = np.zeros(setting.commits + 1)
        parts = (1.0,) if setting.steps == 1 else (0.6, 0.4)
        culprits = rng.choice(np.arange(1, setting.commits + 1), len(parts), replace=False)
        for part, culprit in zip(parts, culprits, strict=True):
            level[culprit:] += part * np.log1p(setting.effect)
        search = LineSearch((1.0,) * setting.commits, Limits())
        while (trial := search.next()) is not None:
            shift = float(level[trial.head] - level[trial.base])
            trial.pairs.append(pair(rng, setting, shift))
            trial.rule(search.limits, search.bracket().levels)
        outcomes.ends[ending(search, [int(culprit) for culprit in culprits], setting.effect)] += 1
        outcomes.gates.append(sum(bool(trial.pairs) for trial in search.trials))
        if search.steps:
            step = search.steps[0]
            judgement = step.judged(search.limits)
            true = np.expm1(level[step.head] - level[step.base])
            outcomes.indirect += step.indirect is not None
            outcomes.missed += step.indirect is not None and not judgement.low <= true <= judgement.high
        outcomes.pairs.append(sum(len(trial.pairs) for trial in search.trials))
    return outcomes


def pair(rng: np.random.Generator, setting: Setting, shift: float) -> Pair:
    wall = shift + rng.normal(0, setting.noise)
    cpu = shift + rng.normal(0, CPU_NOISE * setting.noise)
    if setting.tails == "heavy" and rng.random() < HIT_SHARE:
        wall += HIT * rng.choice([-1, 1])
    if setting.tails == "two modes":
        modes = MODES_APART * setting.noise * (int(rng.integers(0, 2)) - int(rng.integers(0, 2)))
        wall, cpu = wall + modes, cpu + modes
    return Pair(float(wall), float(cpu), 1.0, 1.0)


def ending(search: LineSearch, culprits: list[int], effect: float) -> str:
    ends = search.ends
    assert ends is not None
    if ends.ruling is not Ruling.BAD:
        return "no change" if ends.ruling is Ruling.GOOD else "undecided"
    if not search.steps:
        return "not confirmed"
    step = search.steps[0].head
    return "right" if effect and step == culprits[0] else "second" if effect and step in culprits else "wrong"


def line(setting: Setting, outcomes: Outcomes) -> str:
    total = outcomes.ends.total()
    endings = ("right", "second", "wrong", "not confirmed", "undecided", "no change")
    searched = [gates for gates in outcomes.gates if gates > 1] or [0]
    few = 1 + (setting.commits - 1).bit_length()
    numbers = [
        f"{setting.steps}",
        setting.tails,
        f"{setting.noise:.0%}",
        f"{setting.effect:.0%}",
        *(f"{outcomes.ends[end] / total:.1%}" for end in endings),
        f"{outcomes.indirect / total:.1%}",
        f"{outcomes.missed / max(1, outcomes.indirect):.1%}",
        f"{np.mean(searched):.1f}",
        f"{np.mean([1 < gates <= few for gates in searched]):.1%}",
        f"{max(searched)}",
        f"{np.mean(outcomes.pairs):.0f}",
    ]
    return f"| {' | '.join(numbers)} |".replace("%", " %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=200, help="for each setting")
    parser.add_argument("--commits", type=int, default=32)
    parser.add_argument("--tails", default="", choices=("", *TAILS), help="only this kind of noise")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    shapes = [(1, *rest) for rest in product(TAILS, NOISE, EFFECTS)]
    shapes += [(2, "normal", noise, 0.10) for noise in NOISE[:3]]
    shapes = [shape for shape in shapes if options.tails in ("", shape[1])]
    settings = [
        Setting(tails, noise, effect, steps, options.commits, options.searches, options.seed)
        for steps, tails, noise, effect in shapes
    ]
    print(
        "| steps | tails | sd of a pair | effect | right | the smaller step | wrong | not confirmed | undecided "
        "| no change | no fresh pairs | of these: interval misses | gates | no more than log₂ n + 1 | at most | pairs |"
    )
    print("| --- " * 16 + "|")
    with ProcessPoolExecutor(2) as pool:
        for setting, outcomes in zip(settings, pool.map(simulated, settings), strict=True):
            print(line(setting, outcomes), flush=True)


if __name__ == "__main__":
    main()
