"""Change points of any series of numbers, as the report finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd
from numpy.typing import NDArray

from tbp.detection.detector import change_points as detected
from tbp.model.changes import Change
from tbp.wording import words
from tbp.wording.notebook import notebook_html

if TYPE_CHECKING:
    import numpy as np

SeriesValues: TypeAlias = "Sequence[float] | pd.Series[float] | NDArray[np.float64]"

CHANGE_POINT_COLUMNS = ("index", "before", "after", "effect", "p_value", "confirmed", "doubt")


class ChangePoints(tuple[Change, ...]):
    """The change points of a series, oldest first: a tuple that has itself as a frame too."""

    __slots__ = ()

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each, with ``index``, ``before``, ``after``, ``effect``, ``p_value``, ``confirmed``, ``doubt``."""
        rows = [[getattr(change, name) for name in CHANGE_POINT_COLUMNS] for change in self]
        return pd.DataFrame(rows, columns=list(CHANGE_POINT_COLUMNS))

    def __repr__(self) -> str:
        return f"<tbp.ChangePoints: {'; '.join(map(_sentence, self)) or 'none'}>"

    def _repr_html_(self) -> str:
        return notebook_html([words.count(len(self), "change point")], self.frame)


def change_points(
    values: SeriesValues, sessions: Sequence[Sequence[float]] | None = None, *, counter: bool = True
) -> ChangePoints:
    """The change points of a series: where its level shifts, oldest first.

    ``values`` has a number for each run, oldest first. NaN and infinities (failed, skipped) are passed over, and still
    count in ``index``, the first run at the new level. ``sessions`` has the medians of each run's processes, where they
    are known. Without ``counter``, values that repeat exactly are not taken for a deterministic counter.

    A change is ``confirmed`` where it is significant and large enough; any other is suspect. ``effect`` is relative:
    0.1 is 10 % larger.

    >>> tbp.change_points([1.0, 1.1, 0.9, 1.0, 1.1, 2.0, 2.1, 1.9, 2.0, 2.1])
    <tbp.ChangePoints: at 5: 1 → 2 (+100 %), confirmed>
    """
    return ChangePoints(detected(values, sessions, counter=counter))  # type: ignore[arg-type]  # it makes an array


def _sentence(change: Change) -> str:
    sure = "confirmed" if change.confirmed else "suspect"
    return (
        f"at {change.index}: {change.before:.3g} → {change.after:.3g} ({words.signed_percent(change.effect)}), {sure}"
    )
