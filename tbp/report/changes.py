"""The page of changes as data: one row for each commit at which a level shifted, newest first.

Takes ``ReportData`` and the order of its commits, gives words and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from tbp.history.by_commit import CommitChanges, SeriesChange, every_change_by_commit
from tbp.history.series import Better, ChangeKind, Commit, State
from tbp.report import addresses, traced, words
from tbp.report.at_once import by_commit, sentence
from tbp.report.model import ReportData
from tbp.report.places import Places, series_href
from tbp.report.rows import CommitLink, commit_link

# So that a page stays below 200 kB: an item is about 450 bytes, a row without items 900.
MOST_ROWS = 100
MOST_ITEMS = 200
MOST_ITEMS_OF_A_ROW = 8

MOST_ACCEPTED = 4
"""Benchmarks of a commit that a command accepts: with more, a pattern is shorter."""

REASON_LENGTH = 160
"""Characters of why a change is acknowledged."""


class Sort(StrEnum):
    """What a change point is said to be."""

    REGRESSION = "regression"
    CHANGED = "changed"  # nothing says whether it is for the worse
    IMPROVEMENT = "improvement"
    RECOVERED = "recovered"
    ACKNOWLEDGED = "acknowledged"  # for the worse, and the project accepts it
    EXPLAINED = "explained"  # by a change of dependencies, hardware or the harness
    SUSPECT = "suspect"


SOUGHT = (Sort.REGRESSION, Sort.IMPROVEMENT)
"""What a reader looks for first: its absence says something, too."""

GLYPHS = {
    Sort.REGRESSION: "✖",
    Sort.CHANGED: words.GLYPHS[State.CHANGED],
    Sort.IMPROVEMENT: "✔",
    Sort.RECOVERED: "↺",
    Sort.ACKNOWLEDGED: words.GLYPHS[State.ACKNOWLEDGED],
    Sort.EXPLAINED: "⇆",
    Sort.SUSPECT: words.GLYPHS[State.SUSPECT],
}
WORDS = {
    Sort.REGRESSION: ("regression", "regressions"),
    Sort.CHANGED: words.PLURALS[State.CHANGED],
    Sort.IMPROVEMENT: ("improvement", "improvements"),
    Sort.RECOVERED: ("recovered", "recovered"),
    Sort.ACKNOWLEDGED: words.PLURALS[State.ACKNOWLEDGED],
    Sort.EXPLAINED: ("with another cause", "with other causes"),
    Sort.SUSPECT: ("suspect", "suspects"),
}


class Chip(Struct, frozen=True):
    """How many changes of one sort."""

    sort: Sort
    glyph: str
    number: int
    word: str


class Item(Struct, frozen=True):
    """One series that moved at the commit."""

    benchmark: str
    parameters: str
    place: str  # machine and environment, where the site has more than one
    href: str
    sort: Sort
    glyph: str
    effect: str
    levels: str
    remark: str  # why it is only suspect; or how sure it is, and of a regression that was undone where


class Lead(Struct, frozen=True):
    """The largest change of one sort at a commit."""

    of: str  # "largest regression"; empty for the only series that moved
    item: Item


class Row(Struct, frozen=True):
    """One commit. ``range`` is empty where no commit before it lacks a measurement."""

    commit: CommitLink
    at_once: tuple[str, ...]  # a sentence for each machine and environment of which most series moved
    range: str
    sorts: tuple[Sort, ...]
    chips: tuple[Chip, ...]
    leads: tuple[Lead, ...]
    causes: tuple[str, ...]  # operators, in sentences
    others: tuple[str, ...]  # what else changed: "dependency change: torch 2.12 → 2.13"
    items: tuple[Item, ...]  # worst first
    more: int  # items that are not listed
    acknowledged: str  # who answers for it and why; empty where nobody does
    accepting: tuple[str, ...]  # commands that accept its regressions, one for each benchmark


class ChangesPage(Struct, frozen=True):
    verdict: str
    counts: str  # what is counted here, beside what the summary counts
    chips: tuple[Chip, ...]  # of the whole site, with those there are none of
    rows: tuple[Row, ...]
    base: str  # in words: what is judged against, and what is not listed for it; empty for the whole history
    left_out: str  # in words: commits that are too old to be listed


def changes_page(data: ReportData, order: Sequence[Commit]) -> ChangesPage:
    """All change points by commit. ``order`` is that of the site's commits, oldest first."""
    groups, past = _counted(every_change_by_commit(data.histories, [commit.hash for commit in order]), data, order)
    places = Places.of(data.histories)
    together = by_commit(data.at_once)
    left = MOST_ITEMS
    rows = []
    for group in groups[:MOST_ROWS]:
        row = _row(group, data, places, min(left, MOST_ITEMS_OF_A_ROW))
        row = replace(row, at_once=tuple(map(sentence, together.get(group.commit.hash, ()))))
        left -= len(row.items)
        rows.append(row)
    older = len(groups) - len(rows)
    return ChangesPage(
        verdict=_verdict(groups),
        counts=_counts(groups),
        chips=_chips([change for group in groups for change in group.changes], occurring=False),
        rows=tuple(rows),
        base=_base(past, data),
        left_out=f"{words.count(older, 'older commit')} with changes: see the pages of the benchmarks." * bool(older),
    )


def _counted(
    groups: Sequence[CommitChanges], data: ReportData, order: Sequence[Commit]
) -> tuple[Sequence[CommitChanges], int]:
    """The commits after the base, and how many there are up to it; all of them without a base."""
    place = {commit.hash: at for at, commit in enumerate(order)}
    base = place.get(data.base.commit.hash, -1) if data.base is not None else -1
    counted = [group for group in groups if place.get(group.commit.hash, 0) > base]
    return counted, len(groups) - len(counted)


def _base(past: int, data: ReportData) -> str:
    if data.base is None:
        return ""
    since = f"Judged since {words.cut(data.base.revision, 60)} ({data.base.commit.short})"
    return f"{since}; {words.count(past, 'commit')} with changes up to it {'is' if past == 1 else 'are'} not listed."


def sort_of(change: SeriesChange) -> Sort:
    """What the change is said to be."""
    own = change.evidence.change
    if not own.confirmed:
        return Sort.SUSPECT
    if own.kind is not ChangeKind.CODE:
        return Sort.EXPLAINED
    if own.is_recovery:
        return Sort.RECOVERED
    if change.history.better is Better.UNKNOWN:
        return Sort.CHANGED
    if not own.is_worse(change.history.better):
        return Sort.IMPROVEMENT
    return Sort.ACKNOWLEDGED if own.acknowledged else Sort.REGRESSION


def acknowledgement(group: CommitChanges) -> str:
    """Why the commit's regressions are accepted, in words; empty unless all of them are."""
    if any(sort_of(one) is Sort.REGRESSION for one in group.changes):
        return ""
    reasons = dict.fromkeys(one.evidence.change.acknowledged for one in group.changes)
    return "; ".join(words.cut(reason, REASON_LENGTH) for reason in reasons if reason)


def _verdict(groups: Sequence[CommitChanges]) -> str:
    if not groups:
        return "No level has shifted in any series."
    sorts = [{sort_of(one) for one in group.changes} for group in groups]
    worse, better, changed = Sort.REGRESSION, Sort.IMPROVEMENT, Sort.CHANGED
    numbers = (
        (sum(worse in own and better not in own for own in sorts), "made something worse"),
        (sum(better in own and worse not in own for own in sorts), "made something better"),
        (sum(worse in own and better in own for own in sorts), "did both"),
        (sum(not {worse, better} & own and changed in own for own in sorts), "changed something, for better or worse"),
        (sum(not {worse, better, changed} & own for own in sorts), "with other shifts of level"),
    )
    if not any(number for number, _ in numbers[:-1]):
        return f"No confirmed change of the code; {words.count(len(groups), 'commit')} with other shifts of level."
    said = ", ".join(f"{number:,} {verb}" for number, verb in numbers if number)
    return f"{words.count(len(groups), 'commit')} moved something: {said}."


def _counts(groups: Sequence[CommitChanges]) -> str:
    """Why the numbers are others than those of the summary."""
    changes = [(one.history.key, one) for group in groups for one in group.changes]
    series = words.count(len({key for key, _ in changes}), "series", "series")
    return (
        f"{words.count(len(changes), 'change')} of {series}, over the whole history: a series that moved three times "
        "is counted three times here. The summary counts each series once, by where it stands now."
    )


def _row(group: CommitChanges, data: ReportData, places: Places, most: int) -> Row:
    ranked = sorted(group.changes, key=_rank)
    items = tuple(_item(change, places) for change in ranked[:most])
    return Row(
        commit=commit_link(group.commit, data.commit_url),
        at_once=(),
        range=_range(group),
        sorts=tuple(dict.fromkeys(sort_of(change) for change in ranked)),
        chips=_chips(ranked),
        leads=_leads(ranked, places),
        causes=_causes(ranked),
        others=_others(ranked),
        items=items if len(ranked) > 1 else (),
        more=len(ranked) - len(items) if len(ranked) > 1 else 0,
        acknowledged=acknowledgement(group),
        accepting=_accepting(group),
    )


def _leads(ranked: Sequence[SeriesChange], places: Places) -> tuple[Lead, ...]:
    """The largest regression and the largest improvement, else the first of what there is."""
    if len(ranked) == 1:
        return (Lead("", _item(ranked[0], places)),)
    first = {sort_of(change): change for change in reversed(ranked)}
    sure = [sort for sort in Sort if sort in SOUGHT and sort in first]
    told = sure or [sort_of(ranked[0])]
    noun = {sort: word for sort, (word, _) in WORDS.items()} | {Sort.CHANGED: "change"}
    return tuple(Lead(f"largest {noun[sort]}", _item(first[sort], places)) for sort in told)


def _accepting(group: CommitChanges) -> tuple[str, ...]:
    benchmarks = dict.fromkeys(one.history.key.benchmark for one in group.changes if sort_of(one) is Sort.REGRESSION)
    commands = (addresses.accept(benchmark, group.commit) for benchmark in benchmarks)
    return tuple(filter(None, commands))[:MOST_ACCEPTED]


def _rank(change: SeriesChange) -> tuple[object, ...]:
    """What is sure before what is suspect, worse before better, large before small."""
    size = abs(change.worsening)
    return list(Sort).index(sort_of(change)), -size if math.isfinite(size) else -math.inf, change.history.key


def _chips(changes: Sequence[SeriesChange], occurring: bool = True) -> tuple[Chip, ...]:
    counts = dict.fromkeys(Sort, 0)
    for change in changes:
        counts[sort_of(change)] += 1
    return tuple(
        Chip(sort, GLYPHS[sort], number, WORDS[sort][number != 1])
        for sort, number in counts.items()
        if number or (not occurring and sort in SOUGHT)
    )


def _range(group: CommitChanges) -> str:
    if not group.unmeasured or group.last_good is None:
        return ""
    others = words.count(group.unmeasured, "commit")
    return f"this commit or one of {others} without a value since {group.last_good.short}"


def _item(change: SeriesChange, places: Places) -> Item:
    history, own = change.history, change.evidence.change
    sort = sort_of(change)
    doubt = own.doubt or "not confirmed"
    difference = words.signed_difference(own.before, own.after, history.unit)
    undone = words.undone(history, change.evidence)
    sure = (words.interval_of_change(own, history.unit, "+"), words.probability(own.p_value), undone)
    return Item(
        benchmark=history.key.benchmark,
        parameters=history.key.label,
        place=places.name(history.key.machine, history.key.environment),
        href=series_href(history),
        sort=sort,
        glyph=GLYPHS[sort],
        effect=words.effect(own, history.unit, history.better),
        levels=f"{words.before_after(own, history.unit)} ({difference})",
        remark=f"suspect: {doubt}" if sort is Sort.SUSPECT else ", ".join(filter(None, sure)),
    )


def _causes(ranked: Sequence[SeriesChange]) -> tuple[str, ...]:
    """The operators that account for the largest change whose traces name some."""
    for change in ranked:
        is_told = sort_of(change) is not Sort.SUSPECT
        found = traced.causes(change.evidence, change.history.unit) if is_told else ()
        if found:
            return found
    return ()


def _others(ranked: Sequence[SeriesChange]) -> tuple[str, ...]:
    changes = [change.evidence.change for change in ranked if sort_of(change) is Sort.EXPLAINED]
    return tuple(dict.fromkeys(f"{own.kind.value}: {own.what}" if own.what else own.kind.value for own in changes))
