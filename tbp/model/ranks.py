"""The ranks of a distributed series at one commit, for its history over commits."""

from __future__ import annotations

import pandas as pd
from msgspec import Struct

from tbp.model.series import Commit
from tbp.traces.devices.per_step import RUN_RANK_COLUMNS, Skew, Straggler
from tbp.traces.devices.rank_changes import RANK_CHANGE_COLUMNS
from tbp.traces.reading.columns import check


class RanksAtCommit(Struct, frozen=True, eq=False):
    """The ranks in the traces of one commit, and how each changed from the last commit with traces before it."""

    commit: Commit
    ranks: pd.DataFrame  # RUN_RANK_COLUMNS
    straggler: Straggler | None
    skew: Skew | None
    changes: pd.DataFrame  # RANK_CHANGE_COLUMNS; empty at the first commit
    missing: tuple[int, ...] = ()  # ranks without a readable trace

    def __post_init__(self) -> None:
        check(self.ranks, RUN_RANK_COLUMNS, "ranks of a commit")
        check(self.changes, RANK_CHANGE_COLUMNS, "changes of ranks")
