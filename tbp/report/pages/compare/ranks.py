"""The ranks of distributed benchmarks at the two commits of the page: which of them changed alone.

Takes judgements and the histories that they are of, gives sentences, as those of `tbp compare`. No verdict is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from tbp.comparison.rank_notes import MOST_SERIES, moved, rank_note
from tbp.model.changes import History
from tbp.model.comparison import Judgement
from tbp.model.series import Commit


def rank_notes(
    judged: Sequence[Judgement], histories: Sequence[History], baseline: Commit, contender: Commit
) -> tuple[str, ...]:
    """A sentence for each distributed series that changed most; ``histories`` are those that were judged."""
    ranks_of = {history.key.name: {at.commit.hash: at for at in history.ranks} for history in histories}
    both = {baseline.hash, contender.hash}
    distributed = (each.name for each in moved(judged) if ranks_of[each.name].keys() >= both)
    notes = []
    for name in islice(distributed, MOST_SERIES):
        before, after = (ranks_of[name][commit.hash] for commit in (baseline, contender))
        notes.append(rank_note(name, before.ranks, after.ranks, after.straggler))
    return tuple(f"{note}." for note in notes if note)
