"""A TOML file that a project may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tbp.errors import UsageError


def read_toml(path: Path) -> dict[str, Any] | None:
    """The content of ``path``; None without such a file. Raises UsageError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        import tomllib  # here, as most projects have no TOML file for tbp to read

        return tomllib.loads(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # ValueError: bad TOML, bad UTF-8
        raise UsageError(f"cannot read {path}: {error}; correct the file") from None
