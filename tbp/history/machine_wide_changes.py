"""Commits at which most series of one machine and environment moved together, or were measured with something else.

Takes histories and runs, gives the commits in question with their counts, and what changed there where that is
recorded. No verdict is changed by it. The sentences on them are of ``shift_sentences``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.history.circumstances import NUMBER
from tbp.model.changes import Change, ChangeKind, Circumstance, History
from tbp.model.points import levels
from tbp.model.runs import Run
from tbp.model.series import Commit, Setup
from tbp.statistics.robust import median

LEAST_SERIES = 5
"""Series that moved, below which a commit that touched what they share is as likely."""

LEAST_BENCHMARKS = 3
"""Benchmarks that these series are of at least: the series of one benchmark share their code."""

LEAST_SHARE = 0.5
"""Share of the series measured there on both sides. A commit that moves half of everything is rare; a host that does
is not."""

NIGHT_GAP = timedelta(hours=6)
"""Between two runs that are of different nights: asv measures the commits of one night without a pause."""

MOST_OF_NIGHT = 10
"""Commits of a night that are seen as one: as many as a night of a busy project measures."""

Span: TypeAlias = tuple[datetime, datetime] | None
_Item = TypeVar("_Item")


class AtOnce(Struct, frozen=True):
    """Most series of a setup moved at one commit, or in the night that began with it."""

    commit: Commit
    setup: Setup
    where: str  # its name, with the machine as it is called
    moved: int  # series whose level moved there
    of: int  # series with a value on both sides
    up: int  # of those that moved, with the higher value after
    is_standing: bool  # whether most of those that moved did not move again
    commits: frozenset[str] = frozenset()  # hashes at which they moved
    cause: Circumstance | None = None  # what most of them are put down to; None: nothing, or nothing recorded
    changed: int = 0  # series in which that changed there
    night: str = ""  # what they follow where it is not recorded: "runs measured from 2026-05-01 on"

    @property
    def is_explained(self) -> bool:
        return self.cause is not None or bool(self.night)


class _Move(Struct, frozen=True):
    """The level of a series moved, or what it is measured with did."""

    series: int
    commit: Commit
    change: Change | None  # None: only what it is measured with
    causes: Sequence[Circumstance]


def at_once(
    histories: Sequence[History], runs: Sequence[Run] = (), faces: Mapping[str, str] | None = None
) -> tuple[AtOnce, ...]:
    """The commits at which most series of a machine and environment moved, the newest first by date.

    Suspects count, as a host that changes makes many of them. Counters that repeat exactly do not where the change is
    the code's: no machine moves them. ``runs`` say which commits were measured in one night, ``faces`` what each
    machine is called.
    """
    by_setup: dict[Setup, list[History]] = defaultdict(list)
    for history in histories:
        by_setup[history.key.setup].append(history)
    runs_of: dict[Setup, list[Run]] = defaultdict(list)
    for run in runs:
        runs_of[run.setup].append(run)
    shifts = [
        shift for setup, of_setup in sorted(by_setup.items()) for shift in _of_setup(setup, of_setup, runs_of[setup])
    ]
    named = [replace(shift, where=shift.setup.called(faces or {})) for shift in shifts]
    return tuple(sorted(named, key=lambda shift: shift.commit.date, reverse=True))


def number(text: str) -> float:
    """The number that a circumstance is written as: ``97,915``."""
    return float(text.replace(",", ""))


def _of_setup(setup: Setup, histories: Sequence[History], runs: Sequence[Run]) -> list[AtOnce]:
    groups: dict[str, list[_Move]] = defaultdict(list)
    begun = _nights(runs)
    for move in _moves(histories):
        groups[begun.get(move.commit.hash, move.commit.hash)].append(move)
    large = [moves for moves in groups.values() if _is_much({move.series for move in moves}, histories)]
    spans = [_span(history) for history in histories] if large else []
    shifts = [shift for moves in large if (shift := _at_once(setup, moves, histories, spans)) is not None]
    return _once(shifts, [run for run in runs if run.started is not None])


def _moves(histories: Sequence[History]) -> Iterator[_Move]:
    for series, history in enumerate(histories):
        changes = (evidence.change for evidence in history.changes)
        # A counter's change is certain, and the code's where nothing else changed.
        counted = (change for change in changes if change.p_value > 0 or change.kind is not ChangeKind.CODE)
        moved = ((change.index, change, change.causes) for change in counted)
        broken = ((entry.index, None, entry.causes) for entry in history.breaks if entry.causes)
        for index, change, causes in (*moved, *broken):
            if (commit := history.commit_at(index)) is not None:
                yield _Move(series, commit, change, causes)


def _nights(runs: Sequence[Run]) -> Mapping[str, str]:
    """Maps each commit to the first one of its night; to itself where that is not known. ``runs`` in order of history.

    A night of many commits measured history anew, and whatever ever moved moved in it: there each is its own.
    """
    nights: list[list[Run]] = []
    for run in runs:
        last = nights[-1][-1].started if nights else None
        if last is None or run.started is None or abs(run.started - last) >= NIGHT_GAP:
            nights.append([])
        nights[-1].append(run)
    return {
        run.commit.hash: (night[0] if len(night) <= MOST_OF_NIGHT else run).commit.hash
        for night in nights
        for run in night
    }


def _at_once(
    setup: Setup, moves: Sequence[_Move], histories: Sequence[History], spans: Sequence[Span]
) -> AtOnce | None:
    """The cause that most series of ``setup`` have in common among the ``moves`` of one night; None without any."""
    commit = _commonest(move.commit for move in moves)
    movers = {move.series for move in moves}
    of = len(movers) + sum(_holds(span, commit) for series, span in enumerate(spans) if series not in movers)
    changes = {move.series: move.change for move in moves if move.change is not None}

    def are_most(series: Mapping[int, object]) -> bool:
        return len(series) >= LEAST_SHARE * of and _is_much(series.keys(), histories)

    def made(moved: Mapping[int, Change], cause: Circumstance | None, changed: int, night: str) -> AtOnce:
        return AtOnce(
            commit, setup, "", len(moved), of,
            sum(change.after > change.before for change in moved.values()),
            _is_standing(moved, histories), frozenset(move.commit.hash for move in moves), cause, changed, night,
        )  # fmt: skip

    names = [cause.name for change in changes.values() for cause in change.causes]
    if names:
        name = _commonest(names)
        moved = {
            series: change for series, change in changes.items() if name in [cause.name for cause in change.causes]
        }
        changed = {move.series: cause for move in moves for cause in move.causes if cause.name == name}
        if are_most(changed) and _is_much(set(moved), histories):
            return made(moved, _typical(list(changed.values())), len(changed), "")
    at_night = {series: change for series, change in changes.items() if change.kind is ChangeKind.UNRECORDED}
    if are_most(at_night):
        return made(at_night, None, 0, _commonest(change.explanation for change in at_night.values()))
    by_code = {series: change for series, change in changes.items() if change.kind is ChangeKind.CODE}
    return made(by_code, None, 0, "") if are_most(by_code) else None


def _typical(several: Sequence[Circumstance]) -> Circumstance:
    """The circumstance that stands for those of several series; numbers differ between series and become medians."""
    if several[0].name != NUMBER:
        return _commonest(several)
    before, after = (
        median([number(text) for text in side])
        for side in zip(*((circumstance.before, circumstance.after) for circumstance in several), strict=True)
    )
    return Circumstance(NUMBER, f"{before:,.0f}", f"{after:,.0f}")


def _once(shifts: Sequence[AtOnce], runs: Sequence[Run]) -> list[AtOnce]:
    """Without what older commits show that were measured when something had changed: that is one event.

    ``runs`` are those whose time is known, in order of history.
    """
    position = {run.commit.hash: at for at, run in enumerate(runs)}
    started = [run.started for run in runs if run.started is not None]
    known = [shift for shift in shifts if shift.is_explained and shift.commit.hash in position]
    later: dict[str, AtOnce] = {}
    for shift in known:
        at = position[shift.commit.hash]
        measured = max(started[max(0, at - 1) : at + 1])  # of the two beside it, the one that shows what is new
        for other in known:
            other_at = position[other.commit.hash]
            if at < other_at and _is_like(shift, other) and measured > started[other_at] - NIGHT_GAP:
                later[shift.commit.hash] = other
    return [shift for shift in shifts if shift.commit.hash not in later]


def _is_like(shift: AtOnce, other: AtOnce) -> bool:
    """True where both are put down to one cause, there or back."""
    if shift.cause is None or other.cause is None:
        return shift.night == other.night and shift.cause is other.cause
    sides = [{cause.before, cause.after} for cause in (shift.cause, other.cause)]
    return shift.cause.name == other.cause.name and (shift.cause.name == NUMBER or sides[0] == sides[1])


def _is_standing(moved: Mapping[int, Change], histories: Sequence[History]) -> bool:
    still = sum(
        not any(
            evidence.change.index > change.index and evidence.change.matters for evidence in histories[series].changes
        )
        for series, change in moved.items()
    )
    return still >= LEAST_SHARE * len(moved)


def _commonest(items: Iterable[_Item]) -> _Item:
    """The first of those that are there most often."""
    return Counter(items).most_common(1)[0][0]


def _is_much(series: Set[int], histories: Sequence[History]) -> bool:
    benchmarks = {histories[index].key.benchmark for index in series}
    return len(series) >= LEAST_SERIES and len(benchmarks) >= LEAST_BENCHMARKS


def _span(history: History) -> Span:
    """The commit dates of its oldest and of its newest value; None without any."""
    known = np.flatnonzero(np.isfinite(levels(history.points))).tolist()
    if not known:
        return None
    return history.points[known[0]].commit.date, history.points[known[-1]].commit.date


def _holds(span: Span, commit: Commit) -> bool:
    """True where there are values before the date of ``commit`` and from it on; the series may lack a run there."""
    return span is not None and span[0] < commit.date <= span[1]


def of_benchmark(shifts: Sequence[AtOnce], histories: Sequence[History]) -> tuple[AtOnce, ...]:
    """The ``shifts`` that moved one of ``histories``, which are of one benchmark."""
    moved = {
        (history.key.setup, commit.hash)
        for history in histories
        for evidence in history.changes
        if (commit := history.commit_at(evidence.change.index)) is not None
    }
    return tuple(shift for shift in shifts if any((shift.setup, name) in moved for name in shift.commits))
