"""Explanations of a change of level by something else than the commit.

Takes a change, the runs around it with their circumstances, and when each was measured. Gives the change with its
kind. Where something else changes at the very commit, that change is nobody's regression: the two cannot be told apart.
Older commits that were measured later can tell them apart, and so can a circumstance that goes back and forth. Their
levels follow either the commit or what they were measured with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy.special import bdtrc

from tbp.history.circumstances import Circumstances, kind_of, sentence
from tbp.model.changes import Change, ChangeKind, Circumstance
from tbp.model.points import levels
from tbp.model.series import Point
from tbp.statistics.robust import median
from tbp.system.arrays import Floats

# A step of Δ in noise of σ is found within about (σ / Δ)² runs of its place (Hinkley, "Inference about the
# change-point", Biometrika 57, 1970); four times that covers nine in ten. A break this near is the step's place.
REACH = 4.0
MOST_REACH = 5

# Share of the telling runs that must follow what is put down for a change. Noise puts some on the wrong side, more of
# them the smaller the step. 3/4 missed a third of the processors that moved a level by 5 % in noise of 4 %; just more
# than half blamed a processor for three times as many of the code's changes (``tools/explained_rates.py``).
FOLLOWING = 2 / 3
# Nothing but levels is evidence of a night, so more is needed than for a circumstance: several runs, and so many that
# they follow it by a chance of at most this if they are out of line as often as others. Two of a quiet series are
# enough.
LEAST_OF_NIGHT = 2
NIGHT_CHANCE = 0.01
# asv measures commits one after the other, in an order that is git's. Between two of them nobody changes a machine, but
# an order of dates may be less true than that of measuring: lightning's 3,000 commits were measured in two days.
NIGHT_GAP_MS = 6 * 3_600_000.0


class _Around(Struct, frozen=True):
    """The runs of the two segments beside a change that have a level."""

    at: NDArray[np.int64]  # their indexes, ascending
    is_after: NDArray[np.bool_]  # nearer to the level after the change than to the one before
    runs: Sequence[Circumstances]
    started_ms: Floats  # of each; NaN: older than any that is known, since asv has long written it


def explained(
    change: Change,
    edges: tuple[int, int],
    runs: Sequence[Circumstances],
    points: Sequence[Point],
    noise: float,
    started_ms: Floats | None = None,
) -> Change:
    """``change`` with the kind of what it is put down to, moved there where noise hid the exact run.

    ``edges`` are where the segment before begins and the one after ends; ``noise`` is the relative spread of values
    inside segments (NaN: unknown). ``started_ms`` has the time when each run was measured; None where none is known.
    """
    value = levels(points)
    inside = np.flatnonzero(np.isfinite(value[edges[0] : edges[1]])) + edges[0]
    started = started_ms[inside] if started_ms is not None else np.full(len(inside), np.nan)
    around = _Around(inside, _is_after(change, value[inside]), [runs[i] for i in inside.tolist()], started)
    for index in _near(change, inside.tolist(), noise):
        if causes := _causes(index, around):
            moved = change if index == change.index else _at(change, index, edges, points)
            return replace(moved, kind=kind_of(causes[0].name), explanation=sentence(causes), causes=causes)
    night = _night(around)
    return replace(change, kind=ChangeKind.UNRECORDED, explanation=night) if night else change


def not_refuted(
    causes: Iterable[Circumstance],
    pair: tuple[int, int],
    runs: Sequence[Circumstances],
    points: Sequence[Point],
    comparable: Sequence[int],
) -> tuple[Circumstance, ...]:
    """The ``causes`` that no other run shows to be without effect on the level of a pair of runs.

    ``causes`` differ between the two; ``comparable`` are the runs that may be compared with them. Runs between the two
    do not count: nobody knows on which side of a change of the code they are.
    """
    first, second = pair
    forward = 1 if first < second else -1
    value = levels(points)
    outside = np.array([i for i in comparable if (i - first) * forward <= 0 or (i - second) * forward >= 0], np.int64)
    outside = outside[np.isfinite(value[outside])]
    change = Change(second, float(value[first]), float(value[second]), p_value=math.nan, confirmed=False)
    circumstances = [runs[i] for i in outside.tolist()]
    around = _Around(outside, _is_after(change, value[outside]), circumstances, np.full(len(circumstances), np.nan))
    is_before = (outside - first) * forward <= 0
    return tuple(cause for cause in causes if _is_followed(cause, is_before, around))


def _is_after(change: Change, value: Floats) -> NDArray[np.bool_]:
    """The middle between two times is the geometric one: 1 ms and 100 ms are as far from 10 ms."""
    before, after = change.before, change.after
    middle = math.sqrt(before * after) if before > 0 and after > 0 else (before + after) / 2
    return value > middle if after > before else value < middle


def _near(change: Change, inside: Sequence[int], noise: float) -> list[int]:
    """Indexes of the runs the change may be at, its own first."""
    far = _reach(change, noise)
    index = inside.index(change.index) if change.index in inside else 0
    # Not the first: nothing is before it.
    return sorted(inside[max(1, index - far) : index + far + 1], key=lambda i: (abs(i - change.index), i))


def _reach(change: Change, noise: float) -> int:
    """Within how many runs of its place a change is found; ``noise`` is that between runs, NaN where unknown."""
    shift = abs(change.effect)
    return min(MOST_REACH, int(REACH * (noise / shift) ** 2)) if shift > 0 and math.isfinite(noise / shift) else 0


def _causes(index: int, around: _Around) -> tuple[Circumstance, ...]:
    """The circumstances that changed between the levels at ``index``, unless a run shows that they do not matter."""
    is_before = around.at < index
    old = _nearest(around.runs, reversed(np.flatnonzero(is_before & ~around.is_after).tolist()))
    new = _nearest(around.runs, np.flatnonzero(~is_before & around.is_after).tolist())
    changed = [Circumstance(name, old[name], value) for name, value in new.items() if old.get(name, value) != value]
    followed = [circumstance for circumstance in changed if _is_followed(circumstance, is_before, around)]
    return tuple(sorted(followed, key=lambda circumstance: list(ChangeKind).index(kind_of(circumstance.name))))


def _nearest(runs: Sequence[Circumstances], indexes: Iterable[int]) -> dict[str, str]:
    """The circumstances of the first of these runs, completed with those that only later ones have."""
    circumstances: dict[str, str] = {}
    last: Circumstances = circumstances
    for index in indexes:
        if runs[index] is not last:  # most runs share theirs with the one before
            last = runs[index]
            for name, value in last.items():
                circumstances.setdefault(name, value)
    return circumstances


def _is_followed(circumstance: Circumstance, is_before: NDArray[np.bool_], around: _Around) -> bool:
    """True where the level goes with the circumstance in the runs that have the other side's value; also without any.

    Those before the change with the new value were measured later, or the circumstance goes back and forth.
    """
    followers = telling = 0
    for run, early, is_after in zip(around.runs, is_before.tolist(), around.is_after.tolist(), strict=True):
        if run.get(circumstance.name) == (circumstance.after if early else circumstance.before):
            telling += 1
            followers += early is is_after
    return followers >= FOLLOWING * telling


def _night(around: _Around) -> str:
    """When the level shifted in the order of measuring, in words, where that fits the runs and the commits do not."""
    is_after, at = around.is_after, around.at
    started = np.where(np.isfinite(around.started_ms), around.started_ms, -np.inf)
    by_time, by_commit = np.lexsort((at, started)), np.arange(len(at))
    if not len(at) or (by_time == by_commit).all():
        return ""
    earlier, later = started[by_time][:-1], started[by_time][1:]
    can = 1 + np.flatnonzero(np.isfinite(later) & (earlier + NIGHT_GAP_MS <= later))
    cut, is_later_after = _best_cut(is_after[by_time], can)
    commit_cut, is_newer_after = _best_cut(is_after, by_commit[1:])
    if not cut or not commit_cut:
        return ""
    is_of_night = (started >= started[by_time[cut]]) == is_later_after
    is_telling = is_of_night != ((by_commit >= commit_cut) == is_newer_after)
    follows = is_of_night == is_after
    if not _is_sure(follows[is_telling], follows[~is_telling]):
        return ""
    night = datetime.fromtimestamp(started[by_time[cut]] / 1000, UTC).date()
    return f"runs measured from {night} on" if is_later_after else f"runs measured before {night}"


def _is_sure(telling: NDArray[np.bool_], rest: NDArray[np.bool_]) -> bool:
    """True where the ``telling`` runs follow a night, and not by the chance by which the ``rest`` does not."""
    number, followers = len(telling), int(telling.sum())
    if number < LEAST_OF_NIGHT or followers < FOLLOWING * number:
        return False
    chance = (int((~rest).sum()) + 1) / (len(rest) + 2)  # Laplace's rule: of none in ten it is one in twelve
    return bool(bdtrc(followers - 1, number, chance) <= NIGHT_CHANCE)


def _best_cut(is_after: NDArray[np.bool_], can: NDArray[np.int64]) -> tuple[int, bool]:
    """The cut of the runs that leaves fewest on the wrong side, and True where the later ones are at the level after.

    The cut is before one of ``can``, and 0 where there is none.
    """
    ahead = np.concatenate([[0], np.cumsum(is_after)[:-1]])  # runs before each that are at the level after
    wrong = ahead + (~is_after[::-1]).cumsum()[::-1]
    if not len(can):
        return 0, True
    least, most = can[wrong[can].argmin()], can[wrong[can].argmax()]
    return (int(least), True) if wrong[least] <= len(is_after) - wrong[most] else (int(most), False)


def _at(change: Change, index: int, edges: tuple[int, int], points: Sequence[Point]) -> Change:
    before, after = (
        [point.value for point in side if point.has_level]
        for side in (points[edges[0] : index], points[index : edges[1]])
    )
    return replace(change, index=index, before=median(before), after=median(after))
