"""An event in words: of how many commits it may be one, who saw it, and what in it touches the benchmark.

Takes events, gives plain text for every page and file; what moved is told by ``words``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tbp.history.events import Event, SeriesChange
from tbp.history.ranges import Range
from tbp.history.witnesses import Witnesses
from tbp.report import words

MOST_COMMITS = 3
MOST_FILES = 3
"""Of a commit that touches the benchmark; the first ones say what it is about."""

MOST_MACHINES = 3


def of_several(between: Range | None) -> str:
    """``one of 4 commits``; empty where it is one, or not known."""
    return f"one of {between.commits:,} commits" if between is not None and between.commits > 1 else ""


def narrowed(event: Event) -> str:
    """``each series by itself leaves 4 commits or more``; empty where one of them tells as much as all."""
    alone = [one.range.commits for one in event.changes if one.range is not None]
    least = min(alone, default=0)
    return f"each series by itself leaves {least:,} commits or more" if least > event.range.commits else ""


def extent(changes: Sequence[SeriesChange]) -> str:
    """How many series moved: ``12 series of 4 benchmarks``, ``1 series``."""
    benchmarks = len({one.history.key.benchmark for one in changes})
    said = words.count(len(changes), "series", "series")
    return f"{said} of {words.count(benchmarks, 'benchmark')}" if len(changes) > 1 else said


def sizes(changes: Sequence[SeriesChange]) -> str:
    """The smallest and the largest effect with their signs: ``+12 % to +40 %``; empty where one is from zero."""
    found = sorted(words.relative(one.evidence.change) for one in changes)
    if not found or not all(map(math.isfinite, found)):
        return ""
    return " to ".join(dict.fromkeys(words.signed_percent(size) for size in (found[0], found[-1])))


def seen_by(witnesses: Witnesses) -> str:
    """On which of the machines that measured the same: ``on all 4 machines that measured it``; empty for a lone one."""
    moved, still = len(witnesses.moved), witnesses.still
    if witnesses.measured < 2:
        return ""
    if moved == witnesses.measured:
        return f"on {'both' if moved == 2 else f'all {moved:,}'} machines that measured it"
    if moved > 1 or witnesses.suspect:
        unsure = f", suspect on {len(witnesses.suspect):,} more" if witnesses.suspect else ""
        others = f", not on {words.named(witnesses.firm, MOST_MACHINES)}" if witnesses.firm else ""
        return f"on {moved:,} of {witnesses.measured:,} machines that measured it{unsure}{others}"
    only = f"only on machine {witnesses.moved[0]}"
    if not witnesses.firm:
        return f"{only}; on {words.named(still, MOST_MACHINES)} noise would hide it"
    return f"{only}, not on {words.named(witnesses.firm, MOST_MACHINES)}: the machine rather than the code?"


def touching(event: Event) -> str:
    """``of 7 commits, 2 touch the benchmark or its requirements: 04342f08 (pyproject.toml), …``; empty without any."""
    if not event.touching:
        return ""
    told = [f"{one.commit[:8]} ({words.named(one.files, MOST_FILES)})" for one in event.touching]
    if event.range.commits == 1:
        return f"it touches the benchmark or its requirements: {words.named(event.touching[0].files, MOST_FILES)}"
    touch = "touches" if len(told) == 1 else "touch"
    named = words.named(told, MOST_COMMITS)
    return f"of {event.range.commits:,} commits, {len(told):,} {touch} the benchmark or its requirements: {named}"
