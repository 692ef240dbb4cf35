"""Ranks that changed between two sides, and over commits, in words.

Takes ``rank_changes.RANK_CHANGE_COLUMNS`` and ``RanksAtCommit``, gives sentences without their full stop.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tbp.model.ranks import RanksAtCommit
from tbp.traces.devices.rank_changes import standing_out
from tbp.wording import words

MOST_CHANGED = 4
"""Ranks that changed alone and are named: more are a machine, of which four tell enough."""


def changed_ranks(changes: pd.DataFrame) -> str:
    """``rank 37 works 11.0 ms → 15.1 ms (+4.10 ms, +37 %), the usual rank +20 µs``; empty where none changed alone."""
    rows = standing_out(changes)
    if not len(rows):
        return ""
    usual_us = float((changes["delta_us"] - changes["apart_us"]).iloc[0])
    named = [_work(row) for _, row in rows.head(MOST_CHANGED).iterrows()]
    more = [words.count(len(rows) - MOST_CHANGED, "more rank")] if len(rows) > MOST_CHANGED else []
    return f"{', '.join([*named, *more])}; the usual rank {words.signed_microseconds(usual_us)}"


def over_commits(history: Sequence[RanksAtCommit]) -> list[str]:
    """A sentence on each commit at which ranks changed alone, the newest first."""
    sentences = [(at.commit.short, changed_ranks(at.changes)) for at in reversed(history)]
    return [f"At {commit} {sentence}" for commit, sentence in sentences if sentence]


def _work(row: pd.Series) -> str:
    before, after, delta = (float(row[f"{name}_us"]) for name in ("work_before", "work_after", "delta"))
    relative = f", {words.signed_percent(delta / before)}" if before > 0 else ""
    sides = f"{words.microseconds(before)} → {words.microseconds(after)}"
    return f"rank {row['rank']} works {sides} ({words.signed_microseconds(delta)}{relative})"
