"""The circumstances of a run besides its commit, and the runs at which they changed.

Takes the facts of result files and the torch that the ruler saw, gives the breaks of a series. Which of them a change
of level is put down to is decided in ``explanations``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from tbp.model.changes import Break, Change, ChangeKind, Circumstance
from tbp.model.measured_with import NUMBER as NUMBER
from tbp.model.runs import FACT_NAMES, OF_MACHINE, fact_name, named_values
from tbp.system.arrays import Floats

# Name of a circumstance → its value; a run that does not record it has no entry.
Circumstances: TypeAlias = Mapping[str, str]

# asv times `number` calls together, so that a sample lasts about as long whatever the step takes, and calibrates anew
# in every run. So neither a small change nor one that only mirrors a slower step says anything; but when samples get
# this much longer or shorter, start-up costs, caches and interruptions weigh differently. Calibration alone moves
# number by less than a factor of 2 from run to run.
NUMBER_FACTOR = 4.0
THREADS = "threads"  # of torch, which the ruler sets

NOT_OF_COMMIT = (ChangeKind.HARNESS, ChangeKind.HARDWARE)  # kinds of circumstances that no commit changes

RULER_TORCH = "torch"
MOST_NAMED = 3  # circumstances named in one sentence


class RunCircumstances(Struct, frozen=True):
    """One run of a series: its circumstances, and its value, which they may explain."""

    circumstances: Circumstances
    number: float  # calls timed together; NaN where unknown
    value: float  # per call


def circumstances(
    python: str = "", requirements: str = "", hardware: str = "", torch: str = "", threads: str = ""
) -> Circumstances:
    """The circumstances that a result file tells, as ``tbp.load`` has them, and the ``torch`` and ``threads`` that its
    sessions saw. Each is empty where it is unknown.
    """
    facts = {fact_name(name): value for name, value in named_values(hardware)}
    pins = {name: value for name, value in named_values(requirements) if name != RULER_TORCH or not torch}
    known = {**pins, "python": python, RULER_TORCH: torch or pins.get(RULER_TORCH, ""), **facts, THREADS: threads}
    return {name: value for name, value in known.items() if value}


def kind_of(name: str) -> ChangeKind:
    """The kind of change that a circumstance makes."""
    if name in (NUMBER, THREADS):
        return ChangeKind.HARNESS
    is_fact = name in FACT_NAMES.values() or name.startswith(OF_MACHINE)
    return ChangeKind.HARDWARE if is_fact else ChangeKind.DEPENDENCY


def with_number(runs: Sequence[RunCircumstances]) -> list[Circumstances]:
    """Each run's circumstances, with its number of calls per sample.

    Of numbers that NUMBER_FACTOR does not tell apart the first seen stands for all: so equal ones are equal in whatever
    order the runs were measured.
    """
    known: list[Circumstances] = []
    numbers: list[RunCircumstances] = []  # told apart, the one in force last
    now: Circumstances = {}
    # Most runs have the circumstances of the one before, and share the object: ``breaks`` passes over them quickly.
    shared: Circumstances | None = None
    for run in runs:
        if run.number > 0 and run.value > 0 and (not numbers or _is_other_length(numbers[-1], run)):
            like = next((old for old in reversed(numbers) if not _is_other_length(old, run)), run)
            numbers = [*(old for old in numbers if old is not like), like]
            shared = None
        if run.circumstances is not shared:
            shared = run.circumstances
            now = {**shared, NUMBER: f"{numbers[-1].number:,.0f}"} if numbers else {**shared}
        known.append(now)
    return known


def of_no_commit(known: Circumstances) -> Circumstances:
    """The part of ``known`` that no commit changes. It may change a dependency: it can ask for another version."""
    return {name: value for name, value in known.items() if kind_of(name) in NOT_OF_COMMIT}


def numbers(number: Floats, value: Floats) -> tuple[tuple[int, str], ...]:
    """(run from which on, NUMBER as ``with_number`` has it); empty where it never changes, as in most series."""
    positive = number[(number > 0) & (value > 0)]
    if not len(positive) or positive.max() <= NUMBER_FACTOR * positive.min():
        return ()
    runs = [RunCircumstances({}, *both) for both in zip(number.tolist(), value.tolist(), strict=True)]
    known = [run.get(NUMBER, "") for run in with_number(runs)]
    changed = [(at, text) for at, text in enumerate(known) if text != (known[at - 1] if at else "")]
    return tuple(changed) if len(changed) > 1 else ()


def breaks(runs: Sequence[Circumstances]) -> tuple[Break, ...]:
    """The runs at which a circumstance differs from its last recorded value; one break for each run and kind."""
    last: dict[str, str] = {}
    series_breaks: list[Break] = []
    before: Circumstances | None = None
    for index, run in enumerate(runs):
        if run is before:
            continue
        before = run
        moved = {name: value for name, value in run.items() if last.get(name, value) != value}
        for kind in ChangeKind:
            causes = [Circumstance(name, last[name], run[name]) for name in moved if kind_of(name) is kind]
            if causes:
                series_breaks.append(Break(index, kind, sentence(causes), causes=tuple(causes)))
        last.update(run)
    return tuple(series_breaks)


def surroundings(change: Change, edges: tuple[int, int], runs: Sequence[Circumstances]) -> tuple[Circumstance, ...]:
    """The circumstances just before and just after a change: the changed ones first, then by name.

    ``edges`` are where the segment before begins and the one after ends. What a run does not record is taken from the
    nearest run on its side that does.
    """
    before = last_known(runs[edges[0] : change.index])
    after = last_known(runs[change.index : edges[1]][::-1])
    known = [Circumstance(name, before.get(name, ""), after.get(name, "")) for name in before.keys() | after.keys()]
    kinds = list(ChangeKind)
    return tuple(sorted(known, key=lambda fact: (not fact.is_changed, kinds.index(kind_of(fact.name)), fact.name)))


def last_known(runs: Sequence[Circumstances]) -> dict[str, str]:
    last: dict[str, str] = {}
    before: Circumstances = last
    for run in runs:
        if run is not before:  # most runs share theirs with the one before
            last.update(run)
        before = run
    return last


def _is_other_length(old: RunCircumstances, new: RunCircumstances) -> bool:
    if 1 / NUMBER_FACTOR <= new.number / old.number <= NUMBER_FACTOR:
        return False
    return not 1 / NUMBER_FACTOR <= new.number * new.value / (old.number * old.value) <= NUMBER_FACTOR


def sentence(causes: Sequence[Circumstance]) -> str:
    """``torch 2.12 → 2.13, numpy 1.26 → 2.0``."""
    named = [f"{cause.name} {cause.before} → {cause.after}" for cause in causes[:MOST_NAMED]]
    rest = len(causes) - MOST_NAMED
    return ", ".join([*named, f"{rest} more"] if rest > 0 else named)
