"""Values of events' arguments as recorders write them → numbers, ABSENT where they are none.

Takes lists with a value for each event, gives arrays.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tbp.system.arrays import Indices
from tbp.traces.reading.decoded import Arguments
from tbp.traces.reading.trace import ABSENT

Whole = TypeVar("Whole", np.int16, np.int32)

# A hundredth of the 64 warps that fit on a multiprocessor of most NVIDIA devices. With more of them in the grid than
# this an occupancy of 0 is no rounding: kernels with much shared memory (nvjet, cuDNN attention on an H200) have it.
LEAST_WARPS = 0.64


def sizes(values: list[int]) -> Indices:
    return np.maximum(whole(values, otherwise=ABSENT), ABSENT)


def occupancy(arguments: Arguments) -> float | str:
    """The occupancy of a kernel; ABSENT where kineto's calculator failed: it writes 0 beside warps that cannot be 0."""
    warps = arguments.warps
    failed = arguments.occupancy == 0 and isinstance(warps, int | float) and warps >= LEAST_WARPS
    return ABSENT if failed else arguments.occupancy


def percents(values: list[float | str]) -> NDArray[np.int8]:
    """Shares of 0 to 100 %, ABSENT for all else."""
    percents = [round(n) if isinstance(n, int | float) and 0 <= n <= 100 else ABSENT for n in values]
    return np.array(percents, dtype=np.int8)


def links(values: list[int]) -> Indices:
    """Identifiers that events share; 0 links nothing, as roctracer and kineto write it where there is none."""
    known = whole(values, otherwise=ABSENT)
    return np.where(known > 0, known, ABSENT)


def whole(values: list[int], otherwise: int) -> Indices:
    """``values`` as int64; kineto writes 2**64 - 1 where it has no identifier."""
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError:
        return np.array([value if abs(value) < 2**63 else otherwise for value in values], dtype=np.int64)


def sequences(values: list[int | str | float | None], kind: type[Whole]) -> NDArray[Whole]:
    """Numbers of autograd, which count from 0, in a small kind of integer; ABSENT where there is none, or a larger."""
    known = whole([value if type(value) is int else ABSENT for value in values], otherwise=ABSENT)
    return np.where((known >= 0) & (known <= np.iinfo(kind).max), known, ABSENT).astype(kind)
