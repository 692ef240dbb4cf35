"""Frames of results made of literals, and the rows of frames."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pandas as pd

from tbp.asv.results import COLUMNS, MOMENT, Results, checked
from tbp.model.series import Outcome

ROW = {
    "benchmark": "m.time_it", "parameters": (), "machine": "box", "environment": "env", "commit": "a" * 40,
    "date": datetime(2026, 1, 1, tzinfo=UTC), "outcome": Outcome.MEASURED, "value": 1.0, "q25": float("nan"),
    "q75": float("nan"), "number": float("nan"), "version": "v", "unit": "seconds", "type": "time", "python": "",
    "requirements": "", "hardware": "", "started": None,
}  # fmt: skip


def frame_of(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """A frame of results; a row has the values of ROW that it does not give itself."""
    frame = pd.DataFrame([ROW | row for row in rows], columns=list(COLUMNS), dtype=object)
    for name, dtype in COLUMNS.items():
        if dtype == "category":
            items = sorted(set(frame[name]))
            codes = [items.index(value) for value in frame[name]]
            frame[name] = pd.Categorical.from_codes(codes, pd.Index(items, dtype=object, tupleize_cols=False))
        else:
            frame[name] = (
                pd.to_datetime(frame[name], utc=True).astype(MOMENT) if dtype == MOMENT else frame[name].astype(dtype)
            )
    return checked(frame)


def rows_of(results: Results) -> list[NamedTuple]:
    """Each row, its columns as attributes."""
    return list(results.frame.itertuples(index=False, name="ResultRow"))
