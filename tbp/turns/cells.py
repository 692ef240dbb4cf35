"""The cells of a gate, and its two sides."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

SETUP_TIMEOUT_S = 60.0

TIMED = "time"
"""asv's type of all that is timed; a benchmark of any other gives a value by itself: a count, or bytes."""

Side = Literal["base", "head"]

SIDES: tuple[Side, Side] = ("base", "head")


class Cell(Struct, frozen=True):
    """One benchmark over one combination of its parameters."""

    benchmark: str
    index: int  # of the combination, as asv counts
    parameters: tuple[tuple[str, str], ...]
    setup_cache: str | None = None  # asv's key of the function that makes its cache
    timeout_s: float = SETUP_TIMEOUT_S
    cache_timeout_s: float = SETUP_TIMEOUT_S  # of ``setup_cache``
    kind: str = TIMED  # asv's type
    unit: str = "seconds"


class CellFailed(Exception):
    """This cell has no result; the message says on which side and why."""


class CellSkipped(Exception):
    """This cell cannot run there and says so."""
