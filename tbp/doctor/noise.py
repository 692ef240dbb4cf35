"""The noise in pairs of equal work."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt

import numpy as np

from tbp.doctor.findings.noise import GATE_PAIRS, MeasuredNoise
from tbp.model.effects import CONFIDENCE
from tbp.statistics.paired_ratios import Pair
from tbp.statistics.student_t import t_reach


def noise_of(pairs: Sequence[Pair]) -> MeasuredNoise:
    """The noise of at least two pairs of equal work."""
    in_turns = float(np.std([pair.effect for pair in pairs], ddof=1))
    levels = np.log([level_s for pair in pairs for level_s in (pair.base_s, pair.head_s)])
    return MeasuredNoise(
        pairs=len(pairs),
        in_turns=in_turns,
        smallest_in_turns=exp(t_reach(CONFIDENCE, GATE_PAIRS - 1) * in_turns / sqrt(GATE_PAIRS)) - 1,
        between_processes=float(np.std(levels, ddof=1)),
        interrupted=float(np.mean([pair.contaminated for pair in pairs])),
    )
