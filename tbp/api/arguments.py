"""Arguments that several functions take, as the rooms below want them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TypeAlias

FilePath: TypeAlias = "str | PathLike[str]"
Patterns: TypeAlias = "str | Sequence[str]"  # of ``--bench``: a part of a name, a name as tbp prints it, or asv's regex


def path_or_none(path: FilePath | None) -> Path | None:
    return Path(path) if path is not None else None


def patterns(bench: Patterns) -> tuple[str, ...]:
    """The patterns; a text alone is one of them, not a sequence of characters."""
    return (bench,) if isinstance(bench, str) else tuple(bench)
