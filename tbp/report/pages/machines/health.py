"""The health of a machine in words: how far it is behind the others, whether it drifts, and what was replaced in it.

Takes histories and runs of one environment, gives facts for its card.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from tbp.asv.unlike_machines import TELLING
from tbp.history.machine_drift import machine_drift
from tbp.model.changes import History
from tbp.model.runs import Run
from tbp.model.series import Commit
from tbp.wording import words

MOST_REPLACED = 3
"""Times that hardware was replaced; where it takes turns, the report has a line that keeps machines apart."""


class Fact(Struct, frozen=True):
    name: str
    value: str


def behind(last: Commit | None, newest: Commit | None) -> Iterable[Fact]:
    """How old the newest value is beside that of all machines; nothing within a day, which is a night's order."""
    if last is not None and newest is not None and (days := (newest.date - last.date).days) > 0:
        yield Fact("Behind", f"its newest commit with a value is {words.count(days, 'day')} older than that of all")


def replaced(runs: Sequence[Run]) -> Iterable[Fact]:
    """The hardware that was replaced, the newest first, in the order in which runs were measured."""
    known: dict[str, str] = {}
    times = []
    for run in sorted(runs, key=lambda each: each.started or each.commit.date):
        facts = {name: value for name, value in run.hardware if name in TELLING}
        moved = [f"{name} {known[name]} → {value}" for name, value in facts.items() if known.get(name, value) != value]
        if moved:
            times.append(f"{', '.join(moved)} at {run.commit.short} ({words.moment(run.commit.date)})")
        known |= facts
    yield Fact("Hardware replaced", words.named(times[::-1], MOST_REPLACED))


def drift(histories: Sequence[History]) -> Iterable[Fact]:
    moved = machine_drift(histories)
    if moved is not None:
        size = f"{words.percent(abs(moved.effect))} {'longer' if moved.effect > 0 else 'less time'}"
        yield Fact(
            "Drift",
            f"its {moved.series:,} series together take {size} at {moved.last.short} than at {moved.first.short}, "
            f"bit by bit over {moved.runs:,} runs: the machine rather than a commit",
        )
