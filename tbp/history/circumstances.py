"""What a run was measured with besides its commit, and where that changed.

Takes rows of results and the torch that the ruler saw, gives the breaks of a series; then says of each change of level
whether a break explains it. A change that coincides with a break is nobody's regression: what else moved the level
cannot be told from the commit.

A circumstance that goes back and forth while the level does not, such as the processor on hosted runners, explains
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Protocol, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.history.points import levels
from tbp.history.series import Break, Change, ChangeKind, Circumstance, Point

# Name of a circumstance → what it was; a run that does not say has no entry.
Circumstances: TypeAlias = Mapping[str, str]

# asv times `number` calls together, so that a sample lasts about as long whatever the step takes, and calibrates anew
# in every run. So neither a small change nor one that only mirrors a slower step says anything; but when samples get
# this much longer or shorter, start-up costs, caches and interruptions weigh differently. Calibration alone moves
# number by less than a factor of 2 from run to run.
NUMBER_FACTOR = 4.0
NUMBER = "calls per sample"
THREADS = "threads"  # of torch, which the ruler sets

HARDWARE_NAMES = {"cpu": "processor", "num_cpu": "cores", "ram": "memory", "arch": "architecture", "os": "system"}
RULER_TORCH = "torch"
MOST_NAMED = 3  # circumstances named in one sentence

# A step of Δ in noise of σ is found within about (σ / Δ)² runs of its place (Hinkley, "Inference about the
# change-point", Biometrika 57, 1970); four times that covers nine in ten. A break this near is the step's place.
REACH = 4.0
MOST_REACH = 5


class Said(Protocol):
    """What a result file says of its run (``tbp.asv.result_frame``)."""

    @property
    def python(self) -> str: ...
    @property
    def requirements(self) -> str: ...
    @property
    def hardware(self) -> str: ...


class Run(Struct, frozen=True):
    """One run of a series: its value in the table of data, and its circumstances."""

    circumstances: Circumstances
    number: float  # calls timed together; NaN where unknown
    value: float  # per call


def circumstances(said: Said, torch: str, threads: str = "") -> Circumstances:
    """What a result file says of its run, and the ``torch`` and ``threads`` its sessions saw (empty: unknown)."""
    hardware = {HARDWARE_NAMES.get(name, name): value for name, value in named_values(said.hardware)}
    requirements = {name: value for name, value in named_values(said.requirements) if name != RULER_TORCH or not torch}
    known = {**requirements, "python": said.python, RULER_TORCH: torch or requirements.get(RULER_TORCH, ""), **hardware}
    known[THREADS] = threads
    return {name: value for name, value in known.items() if value}


def kind_of(name: str) -> ChangeKind:
    """What kind of change a circumstance makes."""
    if name in (NUMBER, THREADS):
        return ChangeKind.HARNESS
    return ChangeKind.HARDWARE if name in HARDWARE_NAMES.values() else ChangeKind.DEPENDENCY


def with_number(runs: Sequence[Run]) -> list[Circumstances]:
    """Each run's circumstances, with the number of calls per sample that was in force, as NUMBER_FACTOR tells it."""
    known: list[Circumstances] = []
    in_force: Run | None = None
    now: Circumstances = {}
    # Most runs know what the one before knew: they share it, which ``breaks`` is glad of.
    shared: Circumstances | None = None
    for run in runs:
        if run.number > 0 and run.value > 0 and (in_force is None or _is_other_length(in_force, run)):
            in_force, shared = run, None
        if run.circumstances is not shared:
            shared = run.circumstances
            now = {**shared, NUMBER: f"{in_force.number:g}"} if in_force is not None else {**shared}
        known.append(now)
    return known


def breaks(runs: Sequence[Circumstances]) -> tuple[Break, ...]:
    """Where a circumstance differs from what the run before that said of it had; one break a run and kind."""
    last: dict[str, str] = {}
    found: list[Break] = []
    before: Circumstances | None = None
    for index, run in enumerate(runs):
        if run is before:
            continue
        before = run
        moved = {name: value for name, value in run.items() if last.get(name, value) != value}
        for kind in ChangeKind:
            names = [name for name in moved if kind_of(name) is kind]
            if names:
                found.append(Break(index, kind, _sentence(names, last, run)))
        last.update(run)
    return tuple(found)


def surroundings(change: Change, edges: tuple[int, int], runs: Sequence[Circumstances]) -> tuple[Circumstance, ...]:
    """What is known of the runs just before and just after a change, what changed first, then by name.

    ``edges`` are where the segment before begins and the one after ends. A run that does not say something is taken
    for the nearest one on its side that does.
    """
    before = _last_known(runs[edges[0] : change.index])
    after = _last_known(runs[change.index : edges[1]][::-1])
    found = [Circumstance(name, before.get(name, ""), after.get(name, "")) for name in before.keys() | after.keys()]
    return tuple(
        sorted(found, key=lambda one: (not one.is_changed, list(ChangeKind).index(kind_of(one.name)), one.name))
    )


def explained(
    change: Change, edges: tuple[int, int], runs: Sequence[Circumstances], points: Sequence[Point], noise: float
) -> Change:
    """``change`` with the kind of the break that it coincides with, moved there where noise hid the exact run.

    ``edges`` are where the segment before begins and the one after ends; ``noise`` is the relative spread of values
    inside segments (NaN: unknown).
    """
    for index in _near(change, edges, points, noise):
        names = _lasting(index, edges, runs)
        if not names:
            continue
        last = _last_known(runs[edges[0] : index])
        kind = kind_of(min(names, key=lambda name: list(ChangeKind).index(kind_of(name))))
        moved = change if index == change.index else _at(change, index, edges, points)
        return replace(moved, kind=kind, what=_sentence(names, last, runs[index]))
    return change


def _near(change: Change, edges: tuple[int, int], points: Sequence[Point], noise: float) -> list[int]:
    """Indexes of the runs the change may be at, its own first."""
    shift = abs(change.effect)
    reach = min(MOST_REACH, int(REACH * (noise / shift) ** 2)) if shift > 0 and math.isfinite(noise / shift) else 0
    start, end = edges
    inside: list[int] = (np.flatnonzero(np.isfinite(levels(points)[start + 1 : end])) + start + 1).tolist()
    place = inside.index(change.index) if change.index in inside else 0
    return sorted(inside[max(0, place - reach) : place + reach + 1], key=lambda i: (abs(i - change.index), i))


def _lasting(index: int, edges: tuple[int, int], runs: Sequence[Circumstances]) -> list[str]:
    """Names of what changed at ``index`` for good: no run before has the new value, none after the old one."""
    before, after = runs[edges[0] : index], runs[index : edges[1]]
    last = _last_known(before)
    return [
        name
        for name, value in runs[index].items()
        if last.get(name, value) != value
        and all(run.get(name) != value for run in before)
        and all(run.get(name) != last[name] for run in after)
    ]


def _at(change: Change, index: int, edges: tuple[int, int], points: Sequence[Point]) -> Change:
    before, after = (
        [point.value for point in side if point.has_level]
        for side in (points[edges[0] : index], points[index : edges[1]])
    )
    return replace(change, index=index, before=median(before), after=median(after))


def _last_known(runs: Sequence[Circumstances]) -> dict[str, str]:
    last: dict[str, str] = {}
    before: Circumstances = last
    for run in runs:
        if run is not before:  # most runs share theirs with the one before
            last.update(run)
        before = run
    return last


def _is_other_length(old: Run, new: Run) -> bool:
    if 1 / NUMBER_FACTOR <= new.number / old.number <= NUMBER_FACTOR:
        return False
    return not 1 / NUMBER_FACTOR <= new.number * new.value / (old.number * old.value) <= NUMBER_FACTOR


def _sentence(names: Sequence[str], old: Circumstances, new: Circumstances) -> str:
    """``torch 2.12 → 2.13, numpy 1.26 → 2.0``."""
    said = [f"{name} {old[name]} → {new[name]}" for name in names[:MOST_NAMED]]
    rest = len(names) - MOST_NAMED
    return ", ".join([*said, f"{rest} more"] if rest > 0 else said)


def named_values(text: str) -> list[tuple[str, str]]:
    """``a=1;b=2`` as pairs; parts without a value are left out."""
    parts = [part.partition("=") for part in text.split(";")]
    return [(name, value) for name, _, value in parts if name and value]
