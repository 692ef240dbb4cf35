"""Sentences on the commits at which most series of a machine and environment moved together.

Takes the shifts that ``machine_wide_changes`` gives. Where what changed is recorded, a sentence names it; else it is a
question to the reader.
"""

from __future__ import annotations

from collections.abc import Sequence

from tbp.history.circumstances import NUMBER
from tbp.history.machine_wide_changes import AtOnce, number
from tbp.wording import words

QUESTION = "did the machine change, rather than the code?"


def brief(shift: AtOnce) -> str:
    """``10 of 16 series of ci · py3.9 moved at c16dcb72: did the machine change, rather than …``"""
    return _explained(shift) if shift.is_explained else f"{_counted(shift)}: {QUESTION}"


def sentence(shift: AtOnce) -> str:
    """``brief`` with directions: ``…, 1 up and 9 down: did …``."""
    return _explained(shift) if shift.is_explained else f"{_counted(shift)}, {_ways(shift)}: {QUESTION}"


def first_said(standing: Sequence[AtOnce]) -> str:
    """The sentence that comes before any verdict: the first of ``standing``, and how many more there are."""
    text = brief(standing[0])
    more = len(standing) - 1
    rest = f" The same happened at {words.count(more, 'other commit')}: see the page Changes." if more else ""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('?') else '.'}{rest}"


def _counted(shift: AtOnce) -> str:
    return f"{shift.moved:,} of {shift.of:,} series of {shift.where} moved at {shift.commit.short}"


def _ways(shift: AtOnce) -> str:
    down = shift.moved - shift.up
    return f"{shift.up:,} up and {down:,} down" if shift.up and down else "all up" if shift.up else "all down"


def _explained(shift: AtOnce) -> str:
    """``calls per sample (asv's number) fell from about 97,915 to 1 for 61 of 63 series of … at c0ffee00; …``."""
    moved = f"{words.count(shift.moved, 'level')} moved with it, {_ways(shift)}"
    if shift.cause is None:
        return f"{_counted(shift)}, {_ways(shift)}, in {shift.night}, whatever their commit"
    series = f"for {shift.changed:,} of {shift.of:,} series of {shift.where} at {shift.commit.short}"
    if shift.cause.name != NUMBER:
        return f"{shift.cause.name} changed from {shift.cause.before} to {shift.cause.after} {series}; {moved}"
    before, after = number(shift.cause.before), number(shift.cause.after)
    went = "fell" if after < before else "rose"
    return f"{NUMBER} (asv's number) {went} from about {before:,.0f} to {after:,.0f} {series}; {moved}"
