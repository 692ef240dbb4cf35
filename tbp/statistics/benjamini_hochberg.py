"""Correction of p-values for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Each p-value corrected for how many were looked at: at most q of those below q are expected to be false.

    Benjamini and Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(-p, kind="stable")  # the largest first
    corrected = np.empty(len(p))
    corrected[order] = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1))
    return [float(value) for value in np.minimum(corrected, 1.0)]
