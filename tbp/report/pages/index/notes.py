"""Notes that a reader of the index should read before the rows: sentences on many of them at once.

Takes the rows and what they were made of, gives sentences, each with the page that has more.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tbp.history.shift_sentences import brief, first_said
from tbp.model.changes import State
from tbp.report.base.report_data import ReportData
from tbp.report.pages.index.rows import IndexRow
from tbp.report.parts import addresses
from tbp.report.parts.answer import too_few
from tbp.wording import words

MOST = 3
"""Commits told of, the newest: the page of changes has all of them."""


class Note(Struct, frozen=True):
    sentence: str
    href: str = ""  # of the page with more
    more: str = ""  # what that is


def notes(data: ReportData, rows: Sequence[IndexRow]) -> tuple[Note, ...]:
    """Levels that were left, gains that are none, commits that moved most series of a machine, and too few runs."""
    sentences = " ".join(filter(None, [_left(rows), _net_worse(rows)]))
    shown = [Note(sentences)] if sentences else []
    together = [
        shift for shift in data.at_once_since_base if not shift.is_standing
    ]  # those are said before the verdict
    shown += [Note(brief(shift), addresses.changes_of(shift.commit), "what moved there") for shift in together[:MOST]]
    if (more := len(together) - MOST) > 0:
        shown.append(
            Note(f"The same happened at {words.count(more, 'earlier commit')}.", "changes.html", "all changes")
        )
    shown += [Note(f"{sentence}.") for sentence in (too_few(data), data.lone) if sentence]
    return tuple(shown)


def first(data: ReportData) -> Note | None:
    """The note to read before the verdict: what most series of a machine have in common, where that still stands."""
    standing = data.standing_shifts
    if not standing:
        return None
    return Note(first_said(standing), addresses.changes_of(standing[0].commit), "what moved there")


def _net_worse(rows: Sequence[IndexRow]) -> str:
    better = [row for row in rows if row.state in (State.IMPROVEMENT, State.RECOVERED)]
    worse = sum(row.standing is not None and row.standing.is_net_worse for row in better)
    if not worse:
        return ""
    is_are = "is" if worse == 1 else "are"
    return f"{worse:,} of {len(better):,} improved or recovered series {is_are} still worse than at their first level."


def _left(rows: Sequence[IndexRow]) -> str:
    moved = [row for row in rows if row.standing is not None]
    left = sum(row.standing is not None and row.standing.is_left for row in moved)
    if not left:
        return ""
    have = "has" if left == 1 else "have"
    return f"{left:,} of {len(moved):,} changed series {have} moved again since: the column Now shows where to."
