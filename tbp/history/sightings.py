"""The machines that measured an event: those that moved, and those that stood still.

Takes the series of an event and all others of the same benchmark and parameters, gives ``Sightings``. A step on several
machines is the code's; a step on one of many may be that machine's. No verdict is changed by it: a fleet is there to
find what is slower on one processor only, and that looks the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from msgspec import Struct

from tbp.detection.interval import with_interval
from tbp.history.ranges import CommitOrder, Range
from tbp.model.changes import Change, History
from tbp.model.points import levels
from tbp.statistics.robust import median

SeriesCell: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]  # benchmark and parameters

# Runs looked at on each side: enough for a median, and what is further away may be another level.
WINDOW = 30
# Of the effect: a machine whose runs exclude as much, at CONFIDENCE, did not see it.
EXCLUDED_SHARE = 0.5
# Of the cells that a machine measured, the share in which it must exclude the effect to be sure of the event.
FIRM_SHARE = 0.5
# Such machines from which on the one that moved is asked about: a single one may be another kind of machine.
LEAST_FIRM = 2


class Sightings(Struct, frozen=True):
    """Machines with a series of the same benchmark and parameters as one that moved; each sorted."""

    moved: tuple[str, ...] = ()  # with a confirmed change of the event
    suspect: tuple[str, ...] = ()  # with suspects only
    still: tuple[str, ...] = ()  # with runs on both sides, and no change between them
    firm: tuple[str, ...] = ()  # those of ``still`` that exclude half of the effect

    @property
    def measured(self) -> int:
        """The number of machines that could have seen it."""
        return len(self.moved) + len(self.suspect) + len(self.still)

    @property
    def is_alone(self) -> bool:
        """True where one machine moved, and others are sure that they did not."""
        return len(self.moved) == 1 and not self.suspect and len(self.firm) >= LEAST_FIRM


def sightings(
    moved: Sequence[tuple[History, Change]],
    suspects: Iterable[History],
    of_cell: Mapping[SeriesCell, Sequence[History]],
    between: Range,
    order: CommitOrder,
) -> Sightings:
    """The sightings of an event of which ``moved`` are the confirmed changes and ``between`` is the range.

    ``of_cell`` has all series by benchmark and parameters.
    """
    on = {history.key.machine for history, _ in moved}
    unsure = {history.key.machine for history in suspects} - on
    effects: dict[SeriesCell, float] = {}  # the smallest of each
    for history, change in moved:
        cell, effect = cell_of(history), change.effect
        if cell not in effects or abs(effect) < abs(effects[cell]):
            effects[cell] = effect
    still: dict[str, list[bool]] = {}
    for cell, effect in effects.items():
        for history in of_cell[cell]:
            if history.key.machine in on or history.key.machine in unsure:
                continue
            excludes = _excludes(history, effect, between, order)
            if excludes is not None:
                still.setdefault(history.key.machine, []).append(excludes)
    firm = (machine for machine, excluded in still.items() if sum(excluded) >= FIRM_SHARE * len(excluded))
    return Sightings(tuple(sorted(on)), tuple(sorted(unsure)), tuple(sorted(still)), tuple(sorted(firm)))


def cell_of(history: History) -> SeriesCell:
    """The benchmark and parameters that series of several machines have in common."""
    return history.key.benchmark, history.key.parameters


def _excludes(history: History, effect: float, between: Range, order: CommitOrder) -> bool | None:
    """True where its runs exclude a share of ``effect``; None where it moved, or has no runs on both sides."""
    points = history.points
    places, value = order.places(points), levels(points)
    known = np.isfinite(value) & (places >= 0)
    before, after = np.flatnonzero(known & (places < between.start)), np.flatnonzero(known & (places >= between.end))
    if not (len(before) and len(after)):
        return None
    last, first = int(before[-1]), int(after[0])
    cuts = [evidence.change.index for evidence in history.changes if evidence.change.matters]
    if any(last < cut <= first for cut in cuts):
        return None
    start = max([int(before[-WINDOW:][0]), *(cut for cut in cuts if cut <= last)])
    end = min([int(after[:WINDOW][-1]) + 1, *(cut for cut in cuts if cut > first)])
    sides = [side[np.isfinite(side)] for side in (value[start:first], value[first:end])]
    # No change was found there; one is made up to ask for its interval.
    made_up = Change(first, median(sides[0]), median(sides[1]), math.nan, confirmed=False)
    change = with_interval(made_up, (start, end), points)
    limit = effect * EXCLUDED_SHARE
    return change.high < limit if limit > 0 else change.low > limit  # NaN excludes nothing
