"""The ranks of a distributed series over commits: sentences for its section, and a table for the section's data.

Takes ``RanksAtCommit`` of each commit with rank traces, gives words.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tbp.model.ranks import RanksAtCommit
from tbp.report.parts.device_table import DeviceTable
from tbp.wording import rank_words, words

MOST_SENTENCES = 3
"""Commits at which ranks changed alone; the table has the others."""

_HEADS = (
    ("Commit, and the ranks that changed alone", ""),
    ("Step", "number"),
    ("Communication", "number"),
    ("Hidden", "number"),
    ("Arrive apart", "number"),
    ("Waits for rank", "number"),
    ("Its work", "number"),
    ("Usual work", "number"),
)
_NOTE = (
    "Step, communication and hidden are medians over the ranks. Work is a step without waits for other ranks. "
    "A rank changed alone if its work moved by a tenth more than the usual rank's, and far beyond the spread of all."
)


def rank_sentences(history: Sequence[RanksAtCommit]) -> list[str]:
    """The newest commits at which ranks changed alone."""
    return [f"{sentence}." for sentence in rank_words.over_commits(history)[:MOST_SENTENCES]]


def rank_history_table(history: Sequence[RanksAtCommit]) -> DeviceTable:
    """A row per commit, the newest first."""
    newest_first = history[::-1]
    return DeviceTable(
        heads=_HEADS,
        rows=tuple(_row(at) for at in newest_first),
        below=tuple(_below(at) for at in newest_first),
        notes=(_NOTE,),
        is_of_code=False,
    )


def _row(at: RanksAtCommit) -> tuple[str, ...]:
    late, usual = at.straggler, at.ranks["work_us"].median()
    step, share, hidden = (_median(at.ranks, name) for name in _MEDIANS)
    return (
        f"{at.commit.short} ({words.moment(at.commit.date)})",
        words.microseconds(step),
        words.percent(share),
        words.percent(hidden),
        words.microseconds(at.skew.arrival_us) if at.skew is not None else words.UNKNOWN,
        f"{late.rank}" if late is not None else "none",
        words.microseconds(late.work_us) if late is not None else words.UNKNOWN,
        words.microseconds(late.usual_us if late is not None else float(usual)),
    )


_MEDIANS = ("step_us", "communication_share", "hidden_communication_share")


def _median(ranks: pd.DataFrame, name: str) -> float:
    return float(ranks[name].median())


def _below(at: RanksAtCommit) -> str:
    missing = f"without a trace: rank {words.named([*map(str, at.missing)], 8)}" if at.missing else ""
    return "; ".join(filter(None, (rank_words.changed_ranks(at.changes), missing)))
