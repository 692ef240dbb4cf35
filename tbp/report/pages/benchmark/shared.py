"""Facts that several series of a benchmark have in common, so that their page tells them once.

Takes the histories, events and sections of a page, gives the events that moved more than one series, what else changed
in several, and the sections again with links to both. How each series' own change is told belongs to ``change_blocks``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from tbp.history.events import SeriesChange
from tbp.model.changes import History
from tbp.model.series import SeriesKey
from tbp.report.pages.benchmark.change_blocks import ChangeBlock, EventLine, Link
from tbp.report.parts import change_sides, event_words
from tbp.report.parts.change_sorts import counted
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.page_events import PageEvent
from tbp.wording import words

LEAST = 3
"""Series of a page from which on an event is told above them: two tell it as shortly one by one, and what is above
them delays what a reader came for."""

SEVERAL = 2
"""Series from which on a place, a break or a remark that they share is told once."""

MOST = 5
"""Events told of a page, those with the most series first: the others are told where the series are."""

IN_BRIEF = 2
"""Events that a sentence at the top of the page tells."""


class Together(Struct, frozen=True):
    """One event that moved several series of the page."""

    anchor: str
    commit: CommitLink  # the newest of its range
    of_several: str  # "one of 4 commits"; empty where the commit is the cause
    moved: str  # "19 of 28 series moved"
    how: str  # "18 regressions, 1 improvement: −12 % to +3,616 %"
    before: CommitLink | None  # the last commit before the range
    around: change_sides.Around  # what most of them were measured with on both sides
    whose: str  # of how many that is told, where not of all
    event: EventLine  # what it did to the whole site
    is_one_machine: bool
    changes: frozenset[tuple[SeriesKey, int]]  # by their series and their indexes there
    around_at: Link | None = None  # to where the page told it before


def moved_together(histories: Sequence[History], commit_url: str, events: Sequence[PageEvent]) -> tuple[Together, ...]:
    """The events that moved several of ``histories``, those with the most of them first; of as many the newest."""
    changes = {
        (history.key, evidence.change.index): SeriesChange(history, evidence)
        for history in histories
        for evidence in history.changes
    }
    groups = []
    for event in events:
        moved = [changes[change.series, change.index] for change in event.changes]
        if len(moved) >= LEAST:
            groups.append(_together(event, moved, len(histories), commit_url))
    groups.sort(key=lambda group: -len(group.changes))
    links: dict[change_sides.Around, Link] = {}
    for group in groups[:MOST]:
        links.setdefault(group.around, _at(group))
    known = ((group, links[group.around]) for group in groups[:MOST])
    return tuple(
        group if link == _at(group) or not group.around.is_long else replace(group, around_at=link)
        for group, link in known
    )


def _at(group: Together) -> Link:
    return Link(group.anchor, f"the same as at {group.commit.short}")


def _together(event: PageEvent, changes: Sequence[SeriesChange], of: int, commit_url: str) -> Together:
    arounds = Counter(change_sides.around(change.evidence) for change in changes)
    (around, same), *_ = arounds.most_common(1)
    before = event.range.last_before
    return Together(
        anchor=f"c-{event.anchor}",
        commit=commit_link(event.range.first, commit_url),
        of_several=event_words.of_several(event.range),
        moved=f"{len(changes)} of {of} series moved",
        how=_how(changes),
        before=commit_link(before, commit_url) if before is not None else None,
        around=around,
        whose=f" of {same} of these series" if same < len(changes) else "",
        event=_line(event),
        is_one_machine=event.is_one_machine,
        changes=frozenset((change.series, change.index) for change in event.changes),
    )


def _line(event: PageEvent) -> EventLine:
    return EventLine(
        event.anchor, f"In the whole report {event.moved}" if event.is_wider else "", "; ".join(event.about)
    )


def _how(changes: Sequence[SeriesChange]) -> str:
    return "; ".join(filter(None, [counted(changes), event_words.sizes(changes)]))


def told_once(
    blocks: Sequence[Sequence[ChangeBlock]],
    series: Sequence[tuple[SeriesKey, str]],
    groups: Sequence[Together],
    events: Sequence[PageEvent],
) -> list[tuple[ChangeBlock, ...]]:
    """The blocks of each series, linked to what was told above them: by a group, or by an earlier block.

    ``series`` are their keys and names. What a block tells that a later one refers to gets an anchor.
    """
    group_of = {change: group for group in groups for change in group.changes}
    links = {group.around: _at(group) for group in reversed(groups)}
    used: set[str] = set()
    linked: list[list[ChangeBlock]] = []
    for number, (blocks_of_series, (key, name)) in enumerate(zip(blocks, series, strict=True)):
        linked_blocks = []
        here: dict[change_sides.Around, Link] = {}
        for at, block in enumerate(blocks_of_series):
            together = _link(group_of.get((key, block.index)), block)
            link = (here.get(block.around) or links.get(block.around)) if block.around.is_long else None
            anchor = ""
            if link is None and block.around.is_long:
                anchor = f"m-{number}-{at}"
                short = block.commit.short if block.commit else "the change"
                here[block.around] = Link(anchor, f"the same as at {short}")
                links[block.around] = Link(anchor, f"the same as for {words.cut(name, 60) or 'the series'} at {short}")
            elif link is not None and not (together and together.tells_around):
                used.add(link.anchor)
            linked_blocks.append(replace(block, around_at=link, around_anchor=anchor, together=together))
        linked.append(linked_blocks)
    return _with_events(
        [
            [
                replace(block, around_anchor=block.around_anchor if block.around_anchor in used else "")
                for block in blocks_of_series
            ]
            for blocks_of_series in linked
        ],
        [key for key, _ in series],
        events,
    )


def _with_events(
    blocks: Sequence[Sequence[ChangeBlock]], keys: Sequence[SeriesKey], events: Sequence[PageEvent]
) -> list[tuple[ChangeBlock, ...]]:
    """The blocks with of how many commits their own runs make it one, and what is known of the event beside them."""
    of = {
        (change.series, change.index): (event, change) for event in events for change in event.changes + event.suspects
    }
    return [
        tuple(
            replace(
                block,
                of_several=event_words.of_several(of[key, block.index][1].range),
                event=_beside(of[key, block.index][0]) if block.together is None else None,
            )
            if (key, block.index) in of
            else block
            for block in blocks_of_series
        )
        for key, blocks_of_series in zip(keys, blocks, strict=True)
    ]


def _beside(event: PageEvent) -> EventLine | None:
    """The event that a change is part of; None where it is all of it, and nothing is known beside it."""
    number = len(event.changes) + len(event.suspects)
    if number == 1 and not event.is_wider and not event.about:
        return None
    of_several, first = event_words.of_several(event.range), event.range.first.short
    at = f"by {of_several} up to {first}" if of_several else f"at {first}"
    return EventLine(
        event.anchor, f"{event.moved} {at}" if event.is_wider or number > 1 else "", "; ".join(event.about)
    )


def _link(group: Together | None, block: ChangeBlock) -> Link | None:
    """To the event's own paragraph, from a block of a series that it moved; suspect changes are not counted there."""
    if group is None or block.doubt:
        return None
    tells_around = block.around == group.around
    rest = f"; {block.around.brief[0].lower()}{block.around.brief[1:]}" if tells_around else ""
    where = "at this commit" if block.commit == group.commit and not group.of_several else "in this event"
    return Link(group.anchor, group.moved, f" {where}{rest}.", block.before == group.before, tells_around)


class BreakInWords(Struct, frozen=True):
    """Something else than the code that changed in a series."""

    kind: str
    explanation: str
    commit: CommitLink
    consequence: str


class SharedBreak(Struct, frozen=True):
    """One that several series have."""

    anchor: str
    whose: str  # "in 27 of 28 series"
    broken: BreakInWords
    is_of_all: bool  # so that no series needs to refer to it


def shared_breaks(breaks: Sequence[Sequence[BreakInWords]]) -> dict[BreakInWords, SharedBreak]:
    """The breaks of more than one series, in the order in which the series have them."""
    several = Counter(broken for breaks_of_series in breaks for broken in dict.fromkeys(breaks_of_series))
    return {
        broken: SharedBreak(f"b-{index}", _whose(number, len(breaks)), broken, is_of_all=number == len(breaks))
        for index, (broken, number) in enumerate(several.items())
        if number >= SEVERAL
    }


def _whose(number: int, of: int) -> str:
    return f"in all {of} series" if number == of else f"in {number} of {of} series"


def shared_place(places: Sequence[str]) -> str:
    """The machine and environment of all series, where it is one and there are several series; else empty."""
    return places[0] if len(places) >= SEVERAL and len(set(places)) == 1 else ""


def shared_remark(blocks: Sequence[Sequence[ChangeBlock]]) -> str:
    """The remark on the traces of every change, where several have the same; else empty."""
    remarks = [block.remark for blocks_of_series in blocks for block in blocks_of_series]
    return remarks[0].removesuffix(".") if len(remarks) >= SEVERAL and len(set(remarks)) == 1 else ""
