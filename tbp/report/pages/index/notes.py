"""What a reader of the index should know before the rows: sentences on many of them at once.

Takes the rows and what they were made of, gives sentences, each with the page that has more.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tbp.history.machine_wide_changes import brief, first_said
from tbp.model.changes import State
from tbp.project import directions
from tbp.report.base.report_data import ReportData
from tbp.report.pages.index.rows import Row
from tbp.report.parts import addresses
from tbp.wording import words

MOST = 3
"""Commits told of, the newest: the page of changes has all of them."""


class Note(Struct, frozen=True):
    said: str
    href: str = ""  # of the page with more
    more: str = ""  # what that is


def notes(data: ReportData, rows: Sequence[Row]) -> tuple[Note, ...]:
    """Levels that were left, gains that are none, changes of no known merit, and commits that moved most series
    of a machine."""
    said = " ".join(filter(None, [_left(rows), _net_worse(rows)]))
    found = [Note(said)] if said else []
    changed = [one.benchmark for one in rows if one.state is State.CHANGED]
    found += [Note(directions.undirected(changed))] if changed else []
    together = [one for one in data.at_once_since_base if not one.is_standing]  # those are said before the verdict
    found += [Note(brief(one), addresses.changes_of(one.commit), "what moved there") for one in together[:MOST]]
    if (more := len(together) - MOST) > 0:
        found.append(Note(f"So at {words.count(more, 'earlier commit')}.", "changes.html", "all changes"))
    return tuple(found)


def first(data: ReportData) -> Note | None:
    """The note to read before the verdict: what most series of a machine have in common, where that still stands."""
    standing = [one for one in data.at_once_since_base if one.is_standing]
    if not standing:
        return None
    return Note(first_said(standing), addresses.changes_of(standing[0].commit), "what moved there")


def _net_worse(rows: Sequence[Row]) -> str:
    better = [one for one in rows if one.state in (State.IMPROVEMENT, State.RECOVERED)]
    worse = sum(one.standing is not None and one.standing.is_net_worse for one in better)
    if not worse:
        return ""
    is_are = "is" if worse == 1 else "are"
    return f"{worse:,} of {len(better):,} improved or recovered series {is_are} worse than at first."


def _left(rows: Sequence[Row]) -> str:
    moved = [one for one in rows if one.standing is not None]
    left = sum(one.standing is not None and one.standing.is_left for one in moved)
    if not left:
        return ""
    have = "has" if left == 1 else "have"
    return f"{left:,} of {len(moved):,} moved series {have} since left the level that the change brought: see Now."
