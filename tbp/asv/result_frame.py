"""The table of results as a pandas frame, for users who bring their own analysis: ``tbp.load``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tbp.asv.result_table import MOMENTS, NUMBERS, Labels, Table, Value

# What each column means says ``Value``. Texts are categories, sorted, with none that is not used.
COLUMNS = {
    name: "datetime64[ms, UTC]" if name in MOMENTS else "float64" if name in NUMBERS else "category"
    for name in Value._fields
}


def frame(points: Table) -> pd.DataFrame:
    """The columns of ``points``, COLUMNS."""
    return pd.DataFrame({name: _column(points, name) for name in COLUMNS}, copy=False)


def _column(points: Table, name: str) -> object:
    if name in MOMENTS:
        since_ms: np.ndarray = getattr(points, f"{name}_ms")
        is_known = np.isfinite(since_ms)
        moments = np.where(is_known, since_ms, 0).astype("datetime64[ms]")
        moments[~is_known] = np.datetime64("NaT")
        return pd.Series(moments).dt.tz_localize("UTC")
    own: Labels[str] | np.ndarray = getattr(points, name)
    if not isinstance(own, Labels):
        return own
    return pd.Categorical.from_codes(own.codes, pd.Index(list(own.items), dtype=object, tupleize_cols=False))
