"""Stored series and two of their commits → judgements.

Takes series with all their stored runs, because only the other runs tell how much two runs differ by chance; gives one
judgement each, corrected for how many there are. Reading, and choosing the machine, is left to
``tbp.comparison.stored_commits``; the statistics of two runs are in ``two_runs``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.asv.declarations import benchmark_from_name
from tbp.comparison.two_runs import MIN_EXACT_RUNS, MIN_OTHER_RUNS, RunsDifference, difference, repeats_exactly
from tbp.history.circumstances import NOT_OF_COMMIT, Circumstances, kind_of, sentence
from tbp.history.explanations import not_refuted
from tbp.model import relevance
from tbp.model.changes import ChangeKind, Circumstance, State
from tbp.model.comparison import ComparedCommit, Judgement
from tbp.model.effects import CONFIDENCE, effect_size
from tbp.model.points import columns, index_of, measured_values
from tbp.model.series import Better, Outcome, Point, SeriesKey
from tbp.statistics.benjamini_hochberg import benjamini_hochberg
from tbp.statistics.robust import relative
from tbp.wording.words import percent, quantity

# Share of false ones among the changes claimed. The interval must exclude "no effect" too, see CONFIDENCE.
ALPHA = 0.05


class StoredSeries(Struct, frozen=True):
    """A series with what is needed to compare two of its runs."""

    key: SeriesKey
    unit: str
    better: Better
    is_counter: bool  # it may repeat exactly, see ``is_counter``
    points: Sequence[Point]  # in order of history
    # Of the benchmark, for each point; "" where unknown. None where only the points tell: one that is not comparable is
    # of a version that no other has.
    versions: Sequence[str] | None = None
    circumstances: Sequence[Circumstances] = ()  # of each point; empty: not known of any


def is_counter(kind: str, unit: str) -> bool:
    """True for a benchmark of asv's type ``kind`` that may repeat exactly: a track_ of something other than time."""
    return kind == "track" and unit != "seconds"


def series_of_points(key: SeriesKey, unit: str, better: Better, points: Sequence[Point]) -> StoredSeries:
    """A series as a report has it: its points tell which runs are of another version, and what they ran on."""
    counter, known = is_counter(benchmark_from_name(key.benchmark).type, unit), columns(points).measured_with
    return StoredSeries(key, unit, better, counter, points, circumstances=known.of_runs if known is not None else ())


class _Open(Struct, frozen=True):
    """A judgement that is to be decided by a difference, once all differences are known."""

    judgement: Judgement
    difference: RunsDifference


def judgements(
    stored: Iterable[StoredSeries], baseline: ComparedCommit, contender: ComparedCommit
) -> tuple[Judgement, ...]:
    """The judgement on each series by the runs of two commits; series with neither are left out."""
    known = [(series, judged) for series in stored if (judged := _judged(series, baseline, contender)) is not None]
    corrected = iter(
        benjamini_hochberg([judged.difference.p_value for _, judged in known if isinstance(judged, _Open)])
    )

    def closed(judged: Judgement | _Open) -> Judgement:
        return (
            judged if isinstance(judged, Judgement) else _decided(judged.judgement, judged.difference, next(corrected))
        )

    return tuple(_put_down(closed(judged), series, baseline, contender) for series, judged in known)


def differing(series: StoredSeries, baseline: ComparedCommit, contender: ComparedCommit) -> tuple[Circumstance, ...]:
    """The circumstances that differ between the runs of the two commits; none unless both have a value."""
    if not series.circumstances:
        return ()
    first, second = (index_of(series.points, side.commit) for side in (baseline, contender))
    if first is None or second is None:
        return ()
    if not (_is_measured(series.points[first]) and _is_measured(series.points[second])):
        return ()
    old, new = series.circumstances[first], series.circumstances[second]
    pairs = [Circumstance(name, old.get(name, ""), value) for name, value in new.items()]
    moved = [pair for pair in pairs if pair.is_changed]
    return tuple(sorted(moved, key=lambda pair: (list(ChangeKind).index(kind_of(pair.name)), pair.name)))


def _put_down(
    judgement: Judgement, series: StoredSeries, baseline: ComparedCommit, contender: ComparedCommit
) -> Judgement:
    """``judgement``, undecided where the two were measured with something else that may have made the difference.

    What the noise decides is then no answer either: its interval is of the code and the circumstance together.
    """
    causes = [cause for cause in differing(series, baseline, contender) if kind_of(cause.name) in NOT_OF_COMMIT]
    is_alike = judgement.state is State.NO_CHANGE or abs(judgement.effect) < relevance.TWO_COMMITS
    if not causes or is_alike:
        return judgement
    first, second = (index_of(series.points, side.commit) for side in (baseline, contender))
    if first is None or second is None:
        return judgement
    if _is_of_two_versions(series, first, second):
        return judgement
    comparable: list[int] = np.flatnonzero(_is_comparable(series, first, second)).tolist()
    left = not_refuted(causes, (first, second), series.circumstances, series.points, comparable)
    if not left:
        return judgement
    reason = f"measured with {sentence(left)}: not the code's doing alone"
    return replace(judgement, state=State.UNDECIDED, reason=reason, low=math.nan, high=math.nan, p_value=math.nan)


def _is_of_two_versions(series: StoredSeries, first: int, second: int) -> bool:
    if series.versions is None:
        comparable = columns(series.points).comparable
        return not (comparable[first] and comparable[second])
    return len({series.versions[first], series.versions[second]} - {""}) > 1


def _is_comparable(series: StoredSeries, first: int, second: int) -> NDArray[np.bool_]:
    """True for each point with a value of the same version of the benchmark as these two."""
    is_kept = np.isfinite(measured_values(series.points))
    if series.versions is None:
        return is_kept & columns(series.points).comparable
    versions = {series.versions[first], series.versions[second]} - {""}
    if versions:
        is_kept &= np.array([version in ("", *versions) for version in series.versions])
    return is_kept


def _judged(series: StoredSeries, baseline: ComparedCommit, contender: ComparedCommit) -> Judgement | _Open | None:
    """The judgement on one series, or an open one; None where the series has neither commit."""
    first, second = (index_of(series.points, side.commit) for side in (baseline, contender))
    empty = Judgement(series.key.benchmark, series.key.parameters, State.SKIPPED, series.unit, series.better)
    if first is None or second is None:
        lacking = [side.revision for side, index in ((baseline, first), (contender, second)) if index is None]
        return replace(empty, reason=f"not in {lacking[0]}") if len(lacking) == 1 else None
    old, new = series.points[first], series.points[second]
    if not (_is_measured(old) and _is_measured(new)):
        return _unmeasured(empty, old, new, baseline, contender)
    both = replace(
        empty,
        state=State.UNDECIDED,
        before=old.value,
        after=new.value,
        effect=effect_size(old.value, new.value),
        evidence=max(1, min(len(old.sessions), len(new.sessions))),
    )
    return _compared(series, both, first, second)


def _compared(series: StoredSeries, both: Judgement, first: int, second: int) -> Judgement | _Open:
    """Two measured runs, against the others of the same version of the benchmark."""
    if _is_of_two_versions(series, first, second):
        return replace(both, reason="the two commits have different versions of the benchmark")
    is_kept = _is_comparable(series, first, second)
    indexes: list[int] = np.flatnonzero(is_kept).tolist()
    values: list[float] = measured_values(series.points)[is_kept].tolist()
    if series.is_counter and (
        both.before == both.after or repeats_exactly(values, indexes.index(first), indexes.index(second))
    ):
        return _exactly(both)
    if len(values) >= MIN_EXACT_RUNS and min(values) == max(values):
        return replace(both, state=State.NO_CHANGE)
    if min(both.before, both.after) <= 0:
        return replace(both, reason="a value is zero or negative, so noise is no share of it")
    indexes = [index for index, value in zip(indexes, values, strict=True) if value > 0]
    of_runs = difference(
        [value for value in values if value > 0],
        indexes.index(first),
        indexes.index(second),
        (series.points[first].sessions, series.points[second].sessions),
    )
    if of_runs is None:
        return replace(both, reason=_too_few(series.is_counter, len(indexes) - 2))
    return _Open(both, of_runs)


def _decided(judgement: Judgement, difference: RunsDifference, p_value: float) -> Judgement:
    """The state that the difference allows."""
    low, high = difference.interval(CONFIDENCE)
    decided = replace(judgement, low=low, high=high, p_value=p_value)
    is_sure = p_value <= ALPHA and difference.p_value <= 1 - CONFIDENCE
    is_change = is_sure and abs(decided.effect) >= relevance.TWO_COMMITS
    if is_change and difference.is_shared:
        return replace(decided, state=changed(decided.better, decided.after > decided.before))
    if max(-low, high) < relevance.EXCLUDED:
        return replace(decided, state=State.NO_CHANGE)
    why = f"two runs of it differ by {percent(relative(difference.error))} or so without any change"
    if is_change:
        why = "the runs beside these two do not confirm the change: a single odd run would look the same"
    return replace(decided, reason=why)


def _exactly(both: Judgement) -> Judgement:
    """A value that repeats exactly changed if it differs at all; by less than TWO_COMMITS it does not matter."""
    is_relevant = both.before != both.after and not abs(both.effect) < relevance.TWO_COMMITS
    return replace(both, state=changed(both.better, both.after > both.before) if is_relevant else State.NO_CHANGE)


def changed(better: Better, is_up: bool) -> State:
    """The state of a value that certainly went up (or down); CHANGED where nothing says which direction is better."""
    if better is Better.UNKNOWN:
        return State.CHANGED
    return State.REGRESSION if is_up is (better is Better.LOWER) else State.IMPROVEMENT


def _too_few(is_counter: bool, other_runs: int) -> str:
    least = f"{MIN_EXACT_RUNS} (if they repeat exactly) or {MIN_OTHER_RUNS}" if is_counter else str(MIN_OTHER_RUNS)
    are = "is" if other_runs == 1 else "are"
    return (
        "one stored run on each side cannot tell a change from the noise between runs: "
        f"{least} other runs would show the noise, and {other_runs or 'none'} {are} stored"
    )


def _unmeasured(
    empty: Judgement, old: Point, new: Point, baseline: ComparedCommit, contender: ComparedCommit
) -> Judgement:
    """FAILED only where the contender broke what the baseline measured."""
    if _is_measured(old) and new.outcome is Outcome.FAILED:
        before = quantity(old.value, empty.unit)
        reason = f"it failed in {contender.revision}, after {before} in {baseline.revision}"
        return replace(empty, state=State.FAILED, before=old.value, reason=reason)
    side, point = (baseline, old) if not _is_measured(old) else (contender, new)
    verb = _WITHOUT_VALUE[point.outcome]
    return replace(empty, reason=f"it {verb} in {side.revision}{f': {point.reason}' if point.reason else ''}")


_WITHOUT_VALUE = {
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "was skipped",
    Outcome.MEASURED: "gave no finite value",
}


def _is_measured(point: Point) -> bool:
    return point.outcome is Outcome.MEASURED and math.isfinite(point.value)
