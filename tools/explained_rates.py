"""How often a change is blamed on the right cause, in simulated series whose truth is known.

    python tools/explained_rates.py

Noise is Student's t of 4 degrees, 3 % of it (a standard deviation of 4.2 %). Of the commits before the change 15 % are
measured after all others. The index of the change is known. Takes about 6 s of one core.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tbp.history.explanations import explained
from tbp.model.changes import Change, ChangeKind
from tbp.model.points import PointColumns, Points
from tbp.model.series import Commit

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000.0
NOISE, LATER, FLIPS = 0.03, 0.15, 0.3
SERIES = 400
PLACES = ((12, 8), (40, 30), (200, 150))  # runs, and the first after the change
STEPS = (0.05, 0.1, 0.2)

Flags = NDArray[np.bool_]
CODE, HARDWARE, UNRECORDED = ChangeKind.CODE, ChangeKind.HARDWARE, ChangeKind.UNRECORDED
# The truth, the right kind, and a function. It takes of each run: is its commit after the change, was it measured after
# that night, has it another processor by chance. It gives of each run: is it at the new level, has it the other
# processor (None: not recorded).
CASES: tuple[tuple[str, ChangeKind, Callable[[Flags, Flags, Flags], tuple[Flags, Flags | None]]], ...] = (
    ("the code, while the processor goes back and forth", CODE, lambda new, late, flipped: (new, flipped)),
    ("the code, and the processor changes that night", CODE, lambda new, late, flipped: (new, late)),
    ("the code, nothing is recorded", CODE, lambda new, late, flipped: (new, None)),
    ("the processor, which changes that night", HARDWARE, lambda new, late, flipped: (late, late)),
    ("the processor, which goes back and forth", HARDWARE, lambda new, late, flipped: (flipped, flipped)),
    ("that night, nothing is recorded", UNRECORDED, lambda new, late, flipped: (late, None)),
)


def points(value: NDArray[np.float64]) -> Points:
    number = len(value)
    order = tuple(Commit(f"{index:040x}", START + timedelta(days=index)) for index in range(number))
    nothing = np.full(number, np.nan)
    indexes, outcome = np.arange(number, dtype=np.int32), np.zeros(number, np.int8)
    return Points(PointColumns(order, indexes, outcome, value, nothing, nothing, np.ones(number, bool), {}, {}))


def kind(
    case: Callable[[Flags, Flags, Flags], tuple[Flags, Flags | None]], at: int, runs: int, step: float
) -> ChangeKind:
    is_later = (chance.random(runs) < LATER) & (np.arange(runs) < at)
    night = np.where(is_later, runs, 0) + np.arange(runs)
    flipped = np.cumsum(chance.random(runs) < FLIPS) % 2 == 1
    flipped ^= flipped[at - 1]
    flipped[at] = True  # without a change of processor at the step there is nothing to blame
    is_high, processor = case(np.arange(runs) >= at, night >= at, flipped)
    value = np.exp(chance.standard_t(4, runs) * NOISE) * np.where(is_high, 1 + step, 1.0)
    change = Change(at, float(np.median(value[:at])), float(np.median(value[at:])), 0.001, True)
    known = [{}] * runs if processor is None else [{"processor": "AB"[int(is_other)]} for is_other in processor]
    started_ms = START.timestamp() * 1000 + night * DAY_MS
    return explained(change, (0, runs), known, points(value), NOISE * 2**0.5, started_ms).kind


if __name__ == "__main__":
    chance = np.random.default_rng(501)
    print(f"| what moved it | {' | '.join(f'{runs} runs, {step:.0%}' for runs, _ in PLACES for step in STEPS)} |")
    for name, right, case in CASES:
        rates = []
        for runs, at in PLACES:
            for step in STEPS:
                kinds = Counter(kind(case, at, runs, step) for _ in range(SERIES))
                rates.append(f"{kinds[right] / SERIES:.0%}")
        print(f"| {name} | {' | '.join(rates)} |")
