"""Blocks of samples → the effect between two commits: by one pair of processes, and by several pairs together.

Knows no processes and no clocks. Baseline is "base", contender is "head"; effects are natural logarithms of head ÷ base
here, so that they add up, and ratios only where a person reads them.

Two live processes take turns in the order base, head, head, base: a round. Each neighbouring pair of blocks saw nearly
the same machine, and a drift that is linear over the round cancels. The process, not the sample, is the unit: one
pair of processes gives one number, and the spread between pairs is the noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from tbp.statistics.robust import median
from tbp.statistics.student_t import t_reach, two_sided_t

# Least share of a block's samples that must be clean for the others to be set aside.
MIN_CLEAN_SHARE = 0.5
# Share cut from both ends before a mean over pairs is taken: one of 7 to 9 pairs, two of 12. Simulated, with a spread
# of 2 % and one pair in ten hit by 15 % more: a real 5 % is found in 89 % of cases (75 % when one of 12 is cut).
# Without such pairs the cost is small (spread of 3 %: 85 instead of 91 %). tools/gate_error_rates.py
TRIM = 0.2
# Of fewer pairs cutting leaves three or four, whose spread is hardly known; a wild one among them widens the interval.
LEAST_TRIMMED = 7
# A step that spends less of its wall time computing waits for something: CPU time is no witness for it.
CPU_BOUND = 0.8


class Block(Struct, frozen=True):
    """One worker's turn. Times are seconds per call, one for each sample."""

    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    switches: tuple[int, ...]  # involuntary context switches during the sample

    @property
    def clean(self) -> tuple[int, ...]:
        """Indexes of the samples that nothing interrupted; all of them where those are too few."""
        return tuple(i for i, switches in enumerate(self.switches) if self.is_contaminated or switches == 0)

    @property
    def is_contaminated(self) -> bool:
        """True where so many samples were interrupted that they had to be used."""
        return sum(switches == 0 for switches in self.switches) < MIN_CLEAN_SHARE * len(self.wall_s)

    @property
    def level_s(self) -> float:
        return median([self.wall_s[i] for i in self.clean])

    @property
    def cpu_level_s(self) -> float:
        return median([self.cpu_s[i] for i in self.clean])


class Round(Struct, frozen=True):
    """Four turns: base, head, head, base; the other way round where ``head`` came first."""

    base: tuple[Block, Block]
    head: tuple[Block, Block]

    def effect(self) -> float:
        """Log of head ÷ base in wall time; the mean of two neighbours, in which a linear drift cancels."""
        return float(np.mean([np.log(h.level_s / b.level_s) for b, h in zip(self.base, self.head, strict=True)]))

    def cpu_effect(self) -> float:
        """Log of head ÷ base in CPU time; NaN where none was spent."""
        times = [(b.cpu_level_s, h.cpu_level_s) for b, h in zip(self.base, self.head, strict=True)]
        if min(min(pair) for pair in times) <= 0:
            return float("nan")
        return float(np.mean([np.log(h / b) for b, h in times]))


class Pair(Struct, frozen=True):
    """One benchmark measured by one pair of processes."""

    effect: float  # log of head ÷ base, wall time
    cpu_effect: float  # … CPU time; NaN where it is no witness
    base_s: float
    head_s: float
    contaminated: float = 0.0  # share of the blocks

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> Pair:
        """The medians over rounds."""
        base = [block for turn in rounds for block in turn.base]
        head = [block for turn in rounds for block in turn.head]
        base_s, head_s = median([block.level_s for block in base]), median([block.level_s for block in head])
        # The block that was disturbed least says whether a step computes or waits.
        cpu_share = min(max(block.cpu_level_s / block.level_s for block in side) for side in (base, head))
        cpu_effects = [turn.cpu_effect() for turn in rounds]
        return cls(
            effect=median([turn.effect() for turn in rounds]),
            cpu_effect=median(cpu_effects) if cpu_share >= CPU_BOUND else float("nan"),
            base_s=base_s,
            head_s=head_s,
            contaminated=float(np.mean([block.is_contaminated for block in (*base, *head)])),
        )


class Estimate(Struct, frozen=True):
    """The estimate of several pairs together; effects are logs of head ÷ base."""

    pairs: int
    effect: float
    error: float  # standard error of ``effect``
    freedom: int  # degrees of freedom of ``error``

    def interval(self, confidence: float) -> tuple[float, float]:
        """Student's t interval of ``effect``."""
        reach = t_reach(confidence, self.freedom) * self.error
        return self.effect - reach, self.effect + reach

    @property
    def p_value(self) -> float:
        """Two-sided: chance of an effect as large without a change."""
        if self.error == 0:
            return 0.0 if self.effect else 1.0
        return two_sided_t(self.effect / self.error, self.freedom)


def estimate(effects: Sequence[float]) -> Estimate:
    """Trimmed mean of the pairs' effects, with its standard error from the winsorised spread.

    Tukey and McLaughlin, "Less vulnerable confidence and significance procedures for location based on a single
    sample", Sankhya A 25 (1963): a pair that a neighbour hit neither moves the mean nor blows up its error.

    Raises:
        ValueError: fewer than two effects say nothing of their spread.
    """
    count = len(effects)
    if count < 2:
        raise ValueError(f"{count} pairs say nothing of their spread; measure at least two")
    ordered = np.sort(np.asarray(effects, dtype=np.float64))
    cut = int(TRIM * count) if count >= LEAST_TRIMMED else 0
    inner = ordered[cut : count - cut]
    spread = float(np.std(np.clip(ordered, inner[0], inner[-1]), ddof=1))
    return Estimate(
        pairs=count,
        effect=float(inner.mean()),
        error=spread * count**0.5 / len(inner),
        freedom=len(inner) - 1,
    )
