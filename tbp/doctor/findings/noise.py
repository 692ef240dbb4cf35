"""Findings on noise: how large a change has to be here to be told from it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from tbp.doctor.finding import Finding, Severity
from tbp.wording import words

# The most that pairs of the same commit differed by on two noisy cores (tbp/turns/referee.py): beyond it more is wrong.
USUAL_IN_TURNS = 0.039
# With this spread eight pairs miss a change of 10 %.
HOPELESS_IN_TURNS = 0.08
# Between processes an idle machine has 2–3 %; 11–18 % were measured on a loaded one.
USUAL_BETWEEN_PROCESSES = 0.05
# Pairs of a gate that decides soon; a rank test at 99 % needs as many.
GATE_PAIRS = 8


class MeasuredNoise(Struct, frozen=True):
    """The noise of a short A/A; relative, so 0.02 is 2 %."""

    pairs: int  # of processes that took turns
    in_turns: float  # standard deviation of a pair's ratio, as tbp gate measures
    smallest_in_turns: float  # a change that a gate of eight pairs would tell from noise
    between_processes: float  # standard deviation of the level of a process, as asv measures one after another
    interrupted: float  # share of the blocks of samples that other processes interrupted


def findings_of_noise(noise: MeasuredNoise) -> Iterator[Finding]:
    """Findings where equal work differs more than it should."""
    if noise.in_turns > USUAL_IN_TURNS:
        is_hopeless = noise.in_turns > HOPELESS_IN_TURNS
        yield Finding(
            Severity.GRAVE if is_hopeless else Severity.WARNING,
            "Noise",
            f"equal work in turns differs by {words.percent(noise.in_turns)}: a gate of {GATE_PAIRS} pairs tells "
            f"changes from {words.percent(noise.smallest_in_turns)} on",
            "tbp doctor",
            "again, once the findings above are mended",
        )
    elif noise.between_processes > USUAL_BETWEEN_PROCESSES:
        yield Finding(
            Severity.WARNING,
            "Noise",
            f"processes of equal work differ by {words.percent(noise.between_processes)}, and in turns by "
            f"{words.percent(noise.in_turns)} only",
            "tbp gate main HEAD",
            "measures in turns; nights with paired_budget in [tool.tbp] do so too",
        )
