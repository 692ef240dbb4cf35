"""Operator tables → rates: FLOP/s achieved, FLOPs per byte, what bounds an operator, and its share of the roof.

Takes frames with ``operators.OPERATOR_COLUMNS``, gives them with RATE_COLUMNS.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tbp.traces.operators.operators import FLOPS, ROOFLINE
from tbp.traces.reading.columns import NUMBER, TEXT

MEMORY, COMPUTE = "memory", "compute"

RATE_COLUMNS = {
    "flop_per_s": NUMBER,  # FLOPs ÷ flops_us; NaN where unknown, as in the next two
    "flop_per_byte": NUMBER,  # FLOPs ÷ moved_bytes, the arithmetic intensity
    "roof_share": NUMBER,  # roof_us ÷ flops_us: above 1 where a device runs above the clock of its data sheet
    "bound": TEXT,  # MEMORY or COMPUTE for more than half of flops_us; "" where the device's peak is unknown
}


def with_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with RATE_COLUMNS."""
    known = frame.reindex(columns=[FLOPS, *ROOFLINE]).astype("float64")
    flops = known[FLOPS].where(known[FLOPS] > 0)
    time_us = known["flops_us"].where(known["flops_us"] > 0)
    halves = {name: known[f"{name}_bound_us"] > time_us / 2 for name in (MEMORY, COMPUTE)}
    bound = np.select(list(halves.values()), list(halves), default="")
    return frame.assign(
        flop_per_s=flops / time_us * 1e6,
        flop_per_byte=flops / known["moved_bytes"].where(known["moved_bytes"] > 0),
        roof_share=known["roof_us"] / time_us,
        bound=pd.Series(bound, index=frame.index, dtype=object),
    )
