"""An event in words: of how many commits it may be one, who saw it, and which of them touch the benchmark.

Takes events, gives plain text for every page and file. How far a level moved is put into words by ``words``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from tbp.history.events import Event, SeriesChange
from tbp.history.ranges import Range
from tbp.history.sightings import Sightings
from tbp.model.changes import State
from tbp.model.series import Commit, short_hash
from tbp.wording import verdicts, words

MOST_COMMITS = 3
"""Commits that touch the benchmark and are named, and the files named of each: the first ones show what it is about."""

MOST_FILES = 3

MOST_MACHINES = 3
"""Machines named: with more, the number says as much."""

MOST_AUTHORS = 3
"""Authors named: with more, the range must be narrowed down before anybody is asked."""

# The chance of such a step without a change, and words for it. A report confirms from about 1 in 100 on.
_SURENESS = ((0.001, "almost certain: noise alone looks like this less than once in 1,000 times"),
             (0.01, "very likely: noise alone looks like this less than once in 100 times"),
             (0.05, "likely: noise alone looks like this less than once in 20 times"))  # fmt: skip


def of_several(between: Range | None) -> str:
    """``one of 4 commits``; empty where it is one, or not known."""
    return f"one of {between.commits:,} commits" if between is not None and between.commits > 1 else ""


def between(of: Range) -> str:
    """The range as git writes it: ``e5f0a1b2..04342f08``; without an older commit the one it ends with."""
    return f"{of.last_before.short}..{of.first.short}" if of.last_before is not None else of.first.short


def likely(event: Event) -> str:
    """``most likely`` where noise leaves more commits possible than the range has; else empty."""
    return "most likely" if event.credible is not None else ""


def unsure(event: Event) -> str:
    """``noise leaves 3 commits possible, e5f0a1b2..04342f08``; empty where it leaves no more than the range has."""
    possible = event.credible
    return f"noise leaves {possible.commits:,} commits possible, {between(possible)}" if possible is not None else ""


def narrowed(event: Event) -> str:
    """``going by any one of the series, one of 4 commits or more``; empty where one of them tells as much as all."""
    least = min((change.range.commits for change in event.changes if change.range is not None), default=0)
    return f"going by any one of the series, one of {least:,} commits or more" if least > event.range.commits else ""


def extent(changes: Sequence[SeriesChange]) -> str:
    """How many series moved: ``12 series of 4 benchmarks``, ``1 series``."""
    benchmarks = len({change.history.key.benchmark for change in changes})
    series = words.count(len(changes), "series", "series")
    return f"{series} of {words.count(benchmarks, 'benchmark')}" if len(changes) > 1 else series


def sizes(changes: Sequence[SeriesChange]) -> str:
    """The smallest and the largest effect with their signs: ``+12 % to +40 %``; empty where one is from zero."""
    by_size = sorted(changes, key=lambda change: change.evidence.change.effect)
    if not all(math.isfinite(change.evidence.change.effect) for change in by_size):
        return ""
    ends = [(change.evidence.change, change.history.unit) for change in (*by_size[:1], *by_size[-1:])]
    return " to ".join(dict.fromkeys(words.signed_size(end.before, end.after, unit) for end, unit in ends))


def seen_by(sightings: Sightings, faces: Mapping[str, str]) -> str:
    """On which of the machines that measured it: ``on all 4 machines that measured it``; empty for a lone one.

    ``faces`` is what machines are called, by their identifiers.
    """
    moved = len(sightings.moved)
    if sightings.measured < 2:
        return ""
    if moved == sightings.measured:
        return f"on {'both' if moved == 2 else f'all {moved:,}'} machines that measured it"
    if moved > 1 or sightings.suspect:
        unsure = f", suspect on {len(sightings.suspect):,} more" if sightings.suspect else ""
        firm = f", not on {_machines(sightings.firm, faces)}" if sightings.firm else ""
        return f"on {moved:,} of {sightings.measured:,} machines that measured it{unsure}{firm}"
    only = f"only on machine {_machines(sightings.moved, faces)}"
    if not sightings.firm:
        return f"{only}; on {_machines(sightings.still, faces)} noise would hide a change of this size"
    return f"{only}, not on {_machines(sightings.firm, faces)}: did the machine change, rather than the code?"


def _machines(names: Sequence[str], faces: Mapping[str, str]) -> str:
    return words.named([faces.get(name, name) for name in names], MOST_MACHINES)


def touching(event: Event) -> str:
    """``of 7 commits, 2 change the benchmark itself or its requirements: 04342f08 (…), …``; empty without any."""
    if not event.touching:
        return ""
    if event.range.commits == 1:
        files = words.named(event.touching[0].files, MOST_FILES)
        return f"this commit changes the benchmark itself or its requirements: {files}"
    commits = [f"{short_hash(commit.commit)} ({words.named(commit.files, MOST_FILES)})" for commit in event.touching]
    change = "changes" if len(commits) == 1 else "change"
    of = f"of {event.range.commits:,} commits, {len(commits):,} {change}"
    return f"{of} the benchmark itself or its requirements: {words.named(commits, MOST_COMMITS)}"


def counted(changes: Sequence[SeriesChange]) -> str:
    """How many series are in which state: ``3 regressions, 1 improvement``, ``4 changed series``."""
    counts = Counter(change.history.state for change in changes)
    nouns = {State.REGRESSION: "", State.IMPROVEMENT: ""}
    return ", ".join(
        f"{number:,} {verdicts.PLURALS[state][number != 1]}{nouns.get(state, ' series')}"
        for state, number in counts.items()
    )


def move(changes: Sequence[SeriesChange]) -> str:
    """The smallest and the largest effect with their direction: ``▲ +39 % to +42 % slower``; by the first where one is
    from zero."""
    first = changes[0]
    size = sizes(changes)
    if len(changes) == 1 or not size:
        return verdicts.effect(first.evidence.change, first.history.unit, first.history.better)
    ups = {change.evidence.change.after > change.evidence.change.before for change in changes}
    if len(ups) > 1:
        return size
    (is_up,) = ups
    directions = {verdicts.direction(is_up, change.history.unit, change.history.better) for change in changes}
    return " ".join(["▲" if is_up else "▼", size, *(directions if len(directions) == 1 else ())])


def sureness(changes: Sequence[SeriesChange]) -> str:
    """How sure the changes are, in words, or the first of them where the others are otherwise; empty where nothing
    tells."""
    first, *further = dict.fromkeys(map(_sureness, changes))
    return f"{first} (the first series)" if first and further else first


def _sureness(change: SeriesChange) -> str:
    shown = change.evidence.change
    if shown.in_turns:
        return f"measured in turns against {short_hash(shown.in_turns)}"
    if shown.is_exact:
        return "certain: runs of one commit give exactly the same value"
    return next((text for limit, text in _SURENESS if shown.p_value < limit), "")


def in_range(event: Event, in_ranges: Mapping[str, Commit], hashes: Sequence[str]) -> tuple[Commit, ...]:
    """The commits of a range of several that git was asked for, newest first; arguments as those of ``authors``."""
    if event.range.commits == 1:
        return ()
    between = hashes[event.range.start : event.range.end + 1]
    return tuple(in_ranges[name] for name in reversed(between) if name in in_ranges)


def authors(event: Event, in_ranges: Mapping[str, Commit], hashes: Sequence[str]) -> tuple[str, ...]:
    """The names of those who wrote the commits of the event's range, newest first; none where nobody knows.

    ``hashes`` are all commits of the branch in order; ``in_ranges`` has those that git was asked for.
    """
    commits = (event.range.first, *in_range(event, in_ranges, hashes))
    return tuple(dict.fromkeys(commit.author for commit in commits if commit.author))


def author(names: Sequence[str]) -> str:
    """``Ann``, ``one of Ann, Bob and 2 more``; empty where nobody knows."""
    return f"one of {words.named(names, MOST_AUTHORS)}" if len(names) > 1 else "".join(names)
