"""What several series of a benchmark have in common, so that their page tells it once.

Takes the histories and the sections of a page, gives the commits that moved more than one series, what else changed in
several, and the sections again with links to both. How each series' own change is told belongs to ``change_blocks``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from tbp.history.by_commit import CommitChanges, SeriesChange, every_change_by_commit
from tbp.history.series import History
from tbp.report import addresses, both_sides, words
from tbp.report.change_blocks import ChangeBlock, Link
from tbp.report.changes import WORDS, sort_of
from tbp.report.rows import CommitLink, commit_link

LEAST = 3
"""Series from which on a commit moved them together: two tell it as shortly one by one, and what is above them delays
what a reader came for."""

SEVERAL = 2
"""Series from which on a place, a break or a remark that they share is told once."""

MOST = 5
"""Commits told of a page, those with the most series first: the others are told where the series are."""

IN_BRIEF = 2
"""Of these, told in a sentence at the top of the page."""


class Together(Struct, frozen=True):
    """One commit that moved several series."""

    anchor: str
    commit: CommitLink
    moved: str  # "19 of 28 series moved"
    how: str  # "18 regressions, 1 improvement: −12 % to +3,616 %"
    before: CommitLink | None  # the last commit before it, of most of them
    around: both_sides.Around  # what most of them were measured with on both sides
    whose: str  # of how many that is told, where not of all
    around_at: Link | None = None  # to where the page told it before


def moved_together(histories: Sequence[History], commit_url: str, order: Sequence[str]) -> tuple[Together, ...]:
    """The commits at which the levels of several of ``histories`` shifted, those with the most of them first.

    ``order`` has the hashes of the commits, oldest first; of as many the newest is first.
    """
    found = []
    for group in every_change_by_commit(histories, order):
        own = [change for change in group.changes if change.evidence.change.confirmed]
        if len(own) >= LEAST:
            found.append(_together(group, own, len(histories), commit_url))
    found.sort(key=lambda one: -one[0])
    told: dict[both_sides.Around, Link] = {}
    for _, one in found[:MOST]:
        told.setdefault(one.around, _at(one))
    known = ((one, told[one.around]) for _, one in found[:MOST])
    return tuple(
        one if link == _at(one) or not one.around.is_long else replace(one, around_at=link) for one, link in known
    )


def _at(group: Together) -> Link:
    return Link(group.anchor, f"as at {group.commit.short}")


def _together(group: CommitChanges, own: Sequence[SeriesChange], of: int, commit_url: str) -> tuple[int, Together]:
    befores = Counter(one.history.points[max(0, one.evidence.change.index - 1)].commit for one in own)
    (before, _), *_ = befores.most_common(1)
    arounds = Counter(both_sides.around(one.evidence) for one in own)
    (around, same), *_ = arounds.most_common(1)
    return len(own), Together(
        anchor=f"c-{addresses.digest(group.commit.hash)}",
        commit=commit_link(group.commit, commit_url),
        moved=f"{len(own)} of {of} series moved",
        how=_how(own),
        before=commit_link(before, commit_url),
        around=around,
        whose=f" of {same} of them" if same < len(own) else "",
    )


def _how(own: Sequence[SeriesChange]) -> str:
    sorts = Counter(sort_of(one) for one in own)
    said = ", ".join(f"{sorts[sort]} {WORDS[sort][sorts[sort] != 1]}" for sort in WORDS if sorts[sort])
    by_size = sorted(own, key=lambda one: words.relative(one.evidence.change))
    if not all(math.isfinite(words.relative(one.evidence.change)) for one in by_size):
        return said
    far = [(one.evidence.change, one.history.unit) for one in (by_size[0], by_size[-1])]
    ends = dict.fromkeys(words.signed_size(change.before, change.after, unit) for change, unit in far)
    return f"{said}; {' to '.join(ends)}"


def told_once(
    blocks: Sequence[Sequence[ChangeBlock]], names: Sequence[str], groups: Sequence[Together]
) -> list[tuple[ChangeBlock, ...]]:
    """The blocks of each series, linked to what was told above them: by a group, or by an earlier block.

    ``names`` are those of the series. What a block tells that a later one refers to gets an anchor.
    """
    by_commit = {group.commit: group for group in groups}
    told = {group.around: _at(group) for group in reversed(groups)}
    used: set[str] = set()
    linked: list[list[ChangeBlock]] = []
    for place, (own, name) in enumerate(zip(blocks, names, strict=True)):
        found = []
        here: dict[both_sides.Around, Link] = {}
        for at, block in enumerate(own):
            together = _link(by_commit.get(block.commit) if block.commit else None, block)
            link = (here.get(block.around) or told.get(block.around)) if block.around.is_long else None
            anchor = ""
            if link is None and block.around.is_long:
                anchor = f"m-{place}-{at}"
                short = block.commit.short if block.commit else "the change"
                here[block.around] = Link(anchor, f"as at {short}")
                told[block.around] = Link(anchor, f"as for {words.cut(name, 60) or 'the series'} at {short}")
            elif link is not None and not (together and together.tells_around):
                used.add(link.anchor)
            found.append(replace(block, around_at=link, around_anchor=anchor, together=together))
        linked.append(found)
    return [
        tuple(replace(block, around_anchor=block.around_anchor if block.around_anchor in used else "") for block in own)
        for own in linked
    ]


def _link(group: Together | None, block: ChangeBlock) -> Link | None:
    """To the commit's own paragraph, from a block of a series that it moved; suspect changes are not counted there."""
    if group is None or block.doubt:
        return None
    tells_around = block.around == group.around
    said = f"; {block.around.brief[0].lower()}{block.around.brief[1:]}" if tells_around else ""
    return Link(group.anchor, group.moved, f" at this commit{said}.", block.before == group.before, tells_around)


class Break(Struct, frozen=True):
    """Something else than the code that changed in a series."""

    kind: str
    what: str
    commit: CommitLink
    consequence: str


class SharedBreak(Struct, frozen=True):
    """One that several series have."""

    anchor: str
    whose: str  # "in 27 of 28 series"
    own: Break
    is_of_all: bool  # so that no series needs to refer to it


def shared_breaks(breaks: Sequence[Sequence[Break]]) -> dict[Break, SharedBreak]:
    """Those of more than one series, in the order in which the series tell them."""
    several = Counter(one for own in breaks for one in dict.fromkeys(own))
    return {
        one: SharedBreak(f"b-{place}", _whose(number, len(breaks)), one, is_of_all=number == len(breaks))
        for place, (one, number) in enumerate(several.items())
        if number >= SEVERAL
    }


def _whose(number: int, of: int) -> str:
    return f"in all {of} series" if number == of else f"in {number} of {of} series"


def shared_place(places: Sequence[str]) -> str:
    """The machine and environment of all series, where it is one and there are several series; else empty."""
    return places[0] if len(places) >= SEVERAL and len(set(places)) == 1 else ""


def shared_remark(blocks: Sequence[Sequence[ChangeBlock]]) -> str:
    """What is said of the traces of every change, where it is the same of several; else empty."""
    remarks = [block.remark for own in blocks for block in own]
    return remarks[0].removesuffix(".") if len(remarks) >= SEVERAL and len(set(remarks)) == 1 else ""
