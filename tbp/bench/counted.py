"""Counts of a cell that an earlier process of the same asv run left in its session.

They carry no noise, so the first session counts its cell, and checks it. The later ones and the ``track_*`` benchmarks
take its numbers: half of the time of a quick run went into building and checking the same step again.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .cell import CellCounts
from .recorder import Destination, sessions_of


def counted_before(destination: Destination | None, benchmark: str, parameters: Mapping[str, str]) -> CellCounts | None:
    """The counts that an earlier session of the same asv run has of this cell; None where there is none yet."""
    if destination is None or not destination.run:
        return None
    for path in sorted(sessions_of(destination, benchmark, parameters), reverse=True):
        stored = _read(path)
        if stored.get("run") == destination.run and isinstance(stored.get("counts"), dict):
            known = {entry.name for entry in dataclasses.fields(CellCounts)}
            values = {name: value for name, value in stored["counts"].items() if name in known}
            return CellCounts(**{**values, "learning_rates": tuple(values.get("learning_rates", ()))})
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError):
        return {}  # of another tbp, or damaged: then the cell is counted again
    return loaded if isinstance(loaded, dict) else {}
