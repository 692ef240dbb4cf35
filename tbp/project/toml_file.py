"""A TOML file that a project may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tbp.errors import UsageError


def read_toml(path: Path) -> dict[str, Any] | None:
    """What is in ``path``; None without such a file. Raises UsageError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        import tomllib  # here, as many a report reads no TOML

        return tomllib.loads(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # ValueError: bad TOML, bad UTF-8
        raise UsageError(f"cannot read {path}: {error}; correct it there") from None
