"""The circumstances of the runs of the grid that differ anywhere, for the script that compares any two runs.

Takes the runs of each series with their columns, gives a table of distinct circumstances, and for each series the
stretches of columns that have one of them. The series of one machine share their stretches, so both stay small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tbp.history.circumstances import kind_of
from tbp.model.changes import ChangeKind
from tbp.model.points import PointColumns
from tbp.system.arrays import Indices
from tbp.wording import words

_Stretches = tuple[tuple[int, int], ...]  # (first column, number in the table)


class GridCircumstances:
    """The circumstances of all series of a grid, as they are added."""

    def __init__(self) -> None:
        self._table: dict[tuple[tuple[str, str], ...], int] = {}
        # By the identity of a table of ``MeasuredWith``, which is kept so that nothing else gets it: its rows here.
        self._rows: dict[int, tuple[Sequence[Mapping[str, str]], Indices]] = {}
        self._stretches: dict[_Stretches, int] = {}

    def add(self, several: Iterable[tuple[Indices, PointColumns]]) -> int:
        """The number of a series' stretches; ``several`` are the columns of its runs (-1: none), of each line."""
        known = [(columns, runs.measured_with) for columns, runs in several if runs.measured_with is not None]
        every = np.concatenate([np.empty(0, np.int64), *(columns for columns, _ in known)])
        rows = np.concatenate([np.empty(0, np.int64), *(self._of(each.table)[each.index] for _, each in known)])
        order = np.argsort(every, kind="stable")
        order = order[every[order] >= 0]
        columns, rows = every[order], rows[order]
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        stretches = tuple(zip(columns[begins].tolist(), rows[begins].tolist(), strict=True))
        return self._stretches.setdefault(stretches, len(self._stretches))

    def payload(self) -> dict[str, object]:
        """``names`` in the order in which they are named; ``table`` has a value for each, empty where not recorded."""
        every = [dict(entry) for entry in self._table]
        values = {name: {entry.get(name, "") for entry in every} - {""} for entry in every for name in entry}
        kinds = list(ChangeKind)
        names = sorted(
            (name for name, known in values.items() if len(known) > 1),
            key=lambda name: (kinds.index(kind_of(name)), name),
        )
        return {
            "names": [*map(words.visible, names)],
            "table": [[words.visible(entry.get(name, "")) for name in names] for entry in every],
            "stretches": list(self._stretches) if names else [],
        }

    def _of(self, table: Sequence[Mapping[str, str]]) -> Indices:
        if id(table) not in self._rows:
            entries = [tuple(sorted(entry.items())) for entry in table]
            rows = [self._table.setdefault(entry, len(self._table)) for entry in entries]
            self._rows[id(table)] = table, np.array(rows, np.int64)
        return self._rows[id(table)][1]


def numbers_on(columns: Indices, runs: PointColumns) -> tuple[tuple[int, str], ...]:
    """asv's number from each column on, of a series in which it changes; its runs' ``columns`` ascend, -1: none."""
    known = runs.measured_with.numbers if runs.measured_with is not None else ()
    return tuple((max(0, int(columns[start])), words.visible(text)) for start, text in known)
