"""Commits at which most series of one machine and environment moved together, or were measured with something else.

Takes histories and runs, gives the commits in question with their counts, and a sentence on each. Where what changed
is recorded, the sentence names it; else it is a question to the reader. No verdict is changed by it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tbp.history.circumstances import NUMBER
from tbp.model.changes import Change, ChangeKind, Circumstance, History
from tbp.model.points import levels
from tbp.model.series import Commit, Setup
from tbp.statistics.robust import median
from tbp.wording import words

if TYPE_CHECKING:
    from tbp.model.runs import Run

LEAST_SERIES = 5
"""Series that moved, below which a commit that touched what they share is as likely."""

LEAST_BENCHMARKS = 3
"""Of how many benchmarks: the series of one share their code."""

LEAST_SHARE = 0.5
"""Of the series measured there on both sides: a commit that moves half of everything is rare, a host that does not."""

NIGHT_GAP = timedelta(hours=6)
"""Between two runs that are of different nights: asv measures the commits of one night without a pause."""

QUESTION = "was it the machine rather than the code?"

MOST_OF_NIGHT = 10
"""Commits of a night that are seen as one: as many as a night of a busy project measures."""

Span: TypeAlias = tuple[datetime, datetime] | None
_Item = TypeVar("_Item")


class AtOnce(Struct, frozen=True):
    """Most series of a place moved at one commit, or in the night that began with it."""

    commit: Commit
    machine: str  # its identifier
    environment: str
    where: str  # both, the machine as it is called
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
    found = [one for setup, own in sorted(by_setup.items()) for one in _of_setup(setup, own, runs_of[setup])]
    named = [replace(one, where=_where(one, faces or {})) for one in found]
    return tuple(sorted(named, key=lambda one: one.commit.date, reverse=True))


def brief(one: AtOnce) -> str:
    """``10 of 16 series of ci · py3.9 moved at c16dcb72: was it the machine rather than the code?``"""
    return _explained(one) if one.is_explained else f"{_counted(one)}: {QUESTION}"


def sentence(one: AtOnce) -> str:
    """The same with their directions: ``…, 1 up and 9 down: was it …``."""
    return _explained(one) if one.is_explained else f"{_counted(one)}, {_ways(one)}: {QUESTION}"


def first_said(standing: Sequence[AtOnce]) -> str:
    """The sentence that comes before any verdict: the first of ``standing``, and how many more there are."""
    said = brief(standing[0])
    more = len(standing) - 1
    others = f" So at {words.count(more, 'other commit')}: see the changes." if more else ""
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith('?') else '.'}{others}"


def _where(one: AtOnce, faces: Mapping[str, str]) -> str:
    return " · ".join(filter(None, [faces.get(one.machine, one.machine), one.environment]))


def _counted(one: AtOnce) -> str:
    return f"{one.moved:,} of {one.of:,} series of {one.where} moved at {one.commit.short}"


def _ways(one: AtOnce) -> str:
    down = one.moved - one.up
    return f"{one.up:,} up and {down:,} down" if one.up and down else "all up" if one.up else "all down"


def _explained(one: AtOnce) -> str:
    """``calls per sample (asv's number) fell from about 97,915 to 1 for 61 of 63 series of … at c0ffee00; …``."""
    moved = f"{words.count(one.moved, 'level')} moved with it, {_ways(one)}"
    if one.cause is None:
        return f"{_counted(one)}, {_ways(one)}, with {one.night} rather than with the commit"
    series = f"for {one.changed:,} of {one.of:,} series of {one.where} at {one.commit.short}"
    if one.cause.name != NUMBER:
        return f"{one.cause.name} changed from {one.cause.before} to {one.cause.after} {series}; {moved}"
    before, after = _number(one.cause.before), _number(one.cause.after)
    went = "fell" if after < before else "rose"
    return f"{NUMBER} (asv's number) {went} from about {before:,.0f} to {after:,.0f} {series}; {moved}"


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _of_setup(setup: Setup, histories: Sequence[History], runs: Sequence[Run]) -> list[AtOnce]:
    groups: dict[str, list[_Move]] = defaultdict(list)
    begun = _nights(runs)
    for move in _moves(histories):
        groups[begun.get(move.commit.hash, move.commit.hash)].append(move)
    asked = [own for own in groups.values() if _is_much({move.series for move in own}, histories)]
    spans = [_span(history) for history in histories] if asked else []
    found = [one for own in asked if (one := _at_once(setup, own, histories, spans)) is not None]
    return _once(found, [run for run in runs if run.started is not None])


def _moves(histories: Sequence[History]) -> Iterator[_Move]:
    for series, history in enumerate(histories):
        changes = (own.change for own in history.changes)
        # A counter's change is certain, and the code's where nothing else changed.
        counted = (one for one in changes if one.p_value > 0 or one.kind is not ChangeKind.CODE)
        moved = ((one.index, one, one.causes) for one in counted)
        broken = ((one.index, None, one.causes) for one in history.breaks if one.causes)
        for index, change, causes in (*moved, *broken):
            if 0 <= index < len(history.points):
                yield _Move(series, history.points[index].commit, change, causes)


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
    own = {move.series for move in moves}
    of = len(own) + sum(_holds(span, commit) for series, span in enumerate(spans) if series not in own)
    changes = {move.series: move.change for move in moves if move.change is not None}

    def are_most(series: Mapping[int, object]) -> bool:
        return len(series) >= LEAST_SHARE * of and _is_much(series.keys(), histories)

    def made(moved: Mapping[int, Change], cause: Circumstance | None, changed: int, night: str) -> AtOnce:
        return AtOnce(
            commit, setup.machine, setup.environment, "", len(moved), of,
            sum(one.after > one.before for one in moved.values()),
            _is_standing(moved, histories), frozenset(move.commit.hash for move in moves), cause, changed, night,
        )  # fmt: skip

    names = [one.name for change in changes.values() for one in change.causes]
    if names:
        name = _commonest(names)
        moved = {series: own for series, own in changes.items() if name in [one.name for one in own.causes]}
        changed = {move.series: one for move in moves for one in move.causes if one.name == name}
        if are_most(changed) and _is_much(set(moved), histories):
            return made(moved, _typical(list(changed.values())), len(changed), "")
    at_night = {series: own for series, own in changes.items() if own.kind is ChangeKind.UNRECORDED}
    if are_most(at_night):
        return made(at_night, None, 0, _commonest(own.explanation for own in at_night.values()))
    by_code = {series: own for series, own in changes.items() if own.kind is ChangeKind.CODE}
    return made(by_code, None, 0, "") if are_most(by_code) else None


def _typical(several: Sequence[Circumstance]) -> Circumstance:
    """The circumstance that stands for those of several series; numbers differ between series and become medians."""
    if several[0].name != NUMBER:
        return _commonest(several)
    before, after = (
        median([_number(text) for text in side])
        for side in zip(*((one.before, one.after) for one in several), strict=True)
    )
    return Circumstance(NUMBER, f"{before:,.0f}", f"{after:,.0f}")


def _once(found: Sequence[AtOnce], runs: Sequence[Run]) -> list[AtOnce]:
    """Without what older commits show that were measured when something had changed: that is one event.

    ``runs`` are those whose time is known, in order of history.
    """
    place = {run.commit.hash: at for at, run in enumerate(runs)}
    started = [run.started for run in runs if run.started is not None]
    known = [one for one in found if one.is_explained and one.commit.hash in place]
    later: dict[str, AtOnce] = {}
    for one in known:
        at = place[one.commit.hash]
        measured = max(started[max(0, at - 1) : at + 1])  # of the two beside it, the one that shows what is new
        for other in known:
            other_at = place[other.commit.hash]
            if at < other_at and _is_like(one, other) and measured > started[other_at] - NIGHT_GAP:
                later[one.commit.hash] = other
    return [one for one in found if one.commit.hash not in later]


def _is_like(one: AtOnce, other: AtOnce) -> bool:
    """True where both are put down to one cause, there or back."""
    if one.cause is None or other.cause is None:
        return one.night == other.night and one.cause is other.cause
    sides = [{own.before, own.after} for own in (one.cause, other.cause)]
    return one.cause.name == other.cause.name and (one.cause.name == NUMBER or sides[0] == sides[1])


def _is_standing(moved: Mapping[int, Change], histories: Sequence[History]) -> bool:
    still = sum(
        not any(own.change.index > change.index and own.change.matters for own in histories[series].changes)
        for series, change in moved.items()
    )
    return still >= LEAST_SHARE * len(moved)


def _commonest(items: Iterable[_Item]) -> _Item:
    """The first of those that are there most often."""
    return Counter(items).most_common(1)[0][0]


def _is_much(series: Set[int], histories: Sequence[History]) -> bool:
    benchmarks = {histories[own].key.benchmark for own in series}
    return len(series) >= LEAST_SERIES and len(benchmarks) >= LEAST_BENCHMARKS


def _span(history: History) -> Span:
    """The commit dates of its oldest and of its newest value; None without any."""
    known = np.flatnonzero(np.isfinite(levels(history.points))).tolist()
    if not known:
        return None
    return history.points[known[0]].commit.date, history.points[known[-1]].commit.date


def _holds(span: Span, commit: Commit) -> bool:
    """Whether there are values before ``commit`` and from it on; by date, as a series may not have been run there."""
    return span is not None and span[0] < commit.date <= span[1]


def of_benchmark(found: Sequence[AtOnce], histories: Sequence[History]) -> tuple[AtOnce, ...]:
    """Those that moved one of ``histories``, which are of one benchmark."""
    own = {
        (history.key.machine, history.key.environment, history.points[what.change.index].commit.hash)
        for history in histories
        for what in history.changes
        if 0 <= what.change.index < len(history.points)
    }
    return tuple(one for one in found if any((one.machine, one.environment, commit) in own for commit in one.commits))
