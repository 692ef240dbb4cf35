"""Results, sessions and commits → histories, each with its state, its changes and what the traces say of them.

Takes what ``tbp.asv`` read, and a callable that reads one trace, so that nothing is read here: it is called only for
the two sides of a change and for the newest commit of a series. Gives what the report renders. Where a level shifts
is decided in ``change_points``, what else could explain it in ``circumstances``, which changes so many series would
bring by chance in ``false_discovery``, and what the traces say in ``trace_evidence``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tbp.asv.declarations import Benchmark
from tbp.asv.repository import Commits
from tbp.asv.results import Results
from tbp.asv.sessions import Sessions
from tbp.history.change_points import change_points
from tbp.history.circumstances import Run, breaks, explained, with_number
from tbp.history.false_discovery import controlled
from tbp.history.interval import with_interval
from tbp.history.noise import noise_between, noise_within
from tbp.history.rows import Row, compared_with, present_version, rows_by_series
from tbp.history.series import Better, Break, Change, ChangeKind, History, Point, SeriesKey
from tbp.history.states import Freshness, freshness, is_enough, newest_date, state
from tbp.history.trace_evidence import TraceReader, Traces, evidence, operators
from tbp.policy import Policy

# Units of which more is better: rates, factors of speed and agreement. FLOPS in capitals is a rate, flops a count.
_HIGHER = re.compile(
    r"(?i:/\s*s(ec|econds?)?\b|\bper[ _-]?s(ec|econd)?\b|hz$|^[x×]$)"
    r"|(?i:speed-?up|throughput|accuracy|cosine|utili[sz]ation)|FLOPS$"
)
# Levels this close, in noises between runs and at least relatively, are the same: what the detector would not part
# even with one run on a side (see ``short``).
SAME_SIGMAS = 3.0
SAME_LEVEL = 0.01
SAME_SHARE = 0.25  # of the regression that may remain: half of it undone is an improvement, no recovery
VERSION_DIGITS = 8  # of a benchmark's version, which is a hash
_NO_RUN = Run({}, math.nan, math.nan)  # of another version: its circumstances explain nothing here


@dataclass(frozen=True)
class _Judged:
    """A series and what moved in it, before it is seen among the others."""

    key: SeriesKey
    unit: str
    better: Better
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    breaks: tuple[Break, ...]


def histories(
    results: Results,
    sessions: Sessions,
    commits: Commits,
    trace_reader: TraceReader,
    problems: list[str] | None = None,
    policy: Policy | None = None,
) -> tuple[History, ...]:
    """Every series of the results, sorted by key. Traces that cannot be read are said in ``problems``, if given.

    Only runs with a benchmark's present version are judged: another version measures something else. They are among
    the points, marked as not comparable.
    """
    policy = policy or Policy()
    traces = Traces(trace_reader, sessions, [] if problems is None else problems)
    judged = [
        _judged(key, rows, results.benchmarks.get(key.benchmark), policy)
        for key, rows in rows_by_series(results, sessions, commits)
    ]
    if not judged:
        return ()
    fresh = freshness(((own.key, own.points) for own in judged), results.benchmarks)
    tested = [place for place, own in enumerate(judged) if _is_tested(own)]
    kept = controlled([judged[place].changes for place in tested], policy.false_discovery_rate)
    for place, changes in zip(tested, kept, strict=True):
        judged[place] = replace(judged[place], changes=changes)
    return tuple(_history(replace(own, changes=_recoveries(own)), fresh, traces, policy) for own in judged)


def better(unit: str, benchmark_type: str) -> Better:
    """Less time and less memory are better; of what a track_ benchmark returns the unit decides."""
    is_rate = benchmark_type not in ("time", "memory", "peakmemory") and _HIGHER.search(unit)
    return Better.HIGHER if is_rate else Better.LOWER


def _judged(key: SeriesKey, rows: Sequence[Row], declared: Benchmark | None, policy: Policy) -> _Judged:
    version = present_version(rows, declared)
    points = compared_with(version, rows)
    runs = with_number([row.run if point.comparable else _NO_RUN for row, point in zip(rows, points, strict=True)])
    found = change_points(
        [point.value if point.comparable else math.nan for point in points],
        [point.sessions for point in points],
        counter=rows[-1].type == "track",
    )
    noise = noise_between(points, [change.index for change in found if change.confirmed])
    changes = []
    for before, change, after in zip((None, *found), found, (*found[1:], None), strict=False):
        edges = (before.index if before else 0, after.index if after else len(points))
        placed = with_interval(explained(change, edges, runs, points, noise), edges, points)
        changes.append(_alert(placed, policy))
    return _Judged(
        key=key,
        unit=rows[-1].unit,
        better=policy.direction(key.benchmark, better(rows[-1].unit, rows[-1].type)),
        points=points,
        changes=tuple(changes),
        breaks=tuple(sorted((*breaks(runs), *_version_breaks(rows, points)), key=lambda one: one.index)),
    )


def _alert(change: Change, policy: Policy) -> Change:
    """``change``, only suspect where it is smaller than the project wants to be alerted about."""
    if not change.confirmed or not abs(change.effect) < policy.relevant:  # an effect from 0 is NaN, and alerts
        return change
    return replace(change, confirmed=False, doubt=f"smaller than the {policy.relevant:.1%} this project alerts about")


def _version_breaks(rows: Sequence[Row], points: Sequence[Point]) -> list[Break]:
    """Where runs of another benchmark version end and those of the present one begin, or the other way round."""
    found: list[Break] = []
    for index in range(1, len(points)):
        if points[index].comparable is not points[index - 1].comparable:
            old, new = (rows[i].version[:VERSION_DIGITS] or "unknown" for i in (index - 1, index))
            what = f"benchmark version {old} → {new}"
            found.append(Break(index, ChangeKind.HARNESS, what, comparable=False))
    return found


def _is_tested(own: _Judged) -> bool:
    """Whether chance could have brought a change: there are enough runs, and they do not all say the same."""
    return is_enough(own.points) and len({point.value for point in own.points if point.has_level}) > 1


def _recoveries(own: _Judged) -> tuple[Change, ...]:
    """Its changes, with those marked that bring back the level before the regression that they follow."""
    noise = noise_between(own.points, [change.index for change in own.changes if change.confirmed])
    marked: list[Change] = []
    last: Change | None = None
    for change in own.changes:
        is_back = change.is_verdict and last is not None and not change.is_worse(own.better)
        if is_back and last is not None and last.is_worse(own.better):
            limit = max(SAME_LEVEL, SAME_SIGMAS * noise if math.isfinite(noise) else 0.0) * abs(last.before)
            remains = abs(change.after - last.before)
            is_recovery = remains <= min(limit, SAME_SHARE * abs(last.after - last.before))
            marked.append(replace(change, is_recovery=is_recovery))
        else:
            marked.append(change)
        last = change if change.confirmed else last
    return tuple(marked)


def _history(own: _Judged, fresh: Freshness, traces: Traces, policy: Policy) -> History:
    key, points, changes = own.key, own.points, own.changes
    table, operators_commit = operators(key, points, traces)
    history = History(
        key=key,
        unit=own.unit,
        better=own.better,
        points=points,
        state=fresh.gone(key, newest_date(points), policy.stale_days) or state(points, changes, own.better),
        changes=tuple(evidence(key, points, changes, i, traces) for i in range(len(changes))),
        breaks=own.breaks,
        noise_within=noise_within(points),
        noise_between=noise_between(points, [change.index for change in changes if change.confirmed]),
        operators=table,
        operators_commit=operators_commit,
    )
    traces.forget()
    return history
