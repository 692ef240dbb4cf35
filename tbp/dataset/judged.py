"""The changes of a report as rows of a store, so that whoever asks in SQL need not judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from tbp.dataset.parts import table_of
from tbp.dataset.tables import columns
from tbp.model.series import parameter_label

if TYPE_CHECKING:
    import pyarrow as pa


def change_rows(project: str, now_ms: int, changes: pd.DataFrame) -> pa.Table:
    """Rows of ``changes``, of the frame that ``tbp.report_data`` gives."""
    values = {name: _plain(changes[name]) for name in columns("changes") if name in changes}
    count = len(changes)
    labels = [parameter_label(parameters) for parameters in changes["parameters"]]
    return table_of(
        "changes", values | {"project": [project] * count, "ingested": [now_ms] * count, "parameters": labels}
    )


def _plain(column: pd.Series) -> list[object]:
    """The values, None for those that are missing; lists of texts stay."""
    return [value if isinstance(value, list) or not pd.isna(value) else None for value in column]
