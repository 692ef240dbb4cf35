"""The operators that make a rank late: those that take longer on it than on the usual rank of its run.

Takes the operator tables of the ranks, gives the largest differences; who is late is ``per_step``'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
from msgspec import Struct

from tbp.traces.calls.kernels import REST
from tbp.traces.operators.operators import OperatorTable

MOST = 3  # named: the first ones make most of it
LEAST_SHARE = 0.05  # of all that takes longer; less explains nothing

# What waits for other ranks, or for a device that does, says nothing of the rank's own work.
_WAITS = re.compile(r"(?:c10d|nccl|gloo|mpi|ucc|record_param_comms)\b|(?:cuda|cu|hip)\w*Synchronize")


class LateOperator(Struct, frozen=True):
    """An operator that takes longer on one rank than on the usual one."""

    operator: str
    delta_us: float  # per step, of its self time, less the median of the other ranks
    clock: str  # "host" or "device": the one on which more takes longer


def late_operators(late: OperatorTable, usual: Sequence[OperatorTable]) -> tuple[LateOperator, ...]:
    """The MOST operators that take longest beyond the median of the ``usual`` ranks, the largest difference first."""
    columns = {"host": "self_us", "device": "self_device_us"}
    longer = {clock: _longer(late, usual, column) for clock, column in columns.items()}
    clock = max(longer, key=lambda each: float(longer[each].sum()))
    rows = longer[clock]
    shown = rows[rows >= LEAST_SHARE * rows.sum()].head(MOST)
    return tuple(LateOperator(str(operator), float(delta_us), clock) for operator, delta_us in shown.items())


def _longer(late: OperatorTable, usual: Sequence[OperatorTable], column: str) -> pd.Series[float]:
    """The differences above 0 by operator, the largest first; an operator that a rank lacks takes no time there."""
    its_us = late.frame.set_index("operator")[column]
    theirs_us = pd.concat([table.frame.set_index("operator")[column] for table in usual], axis=1).fillna(0.0)
    delta_us = its_us - theirs_us.median(axis=1).reindex(its_us.index, fill_value=0.0)
    is_work = ~its_us.index.to_series().str.match(_WAITS) & ~its_us.index.isin(REST)
    return delta_us[(delta_us > 0) & is_work].sort_values(ascending=False, kind="stable")
