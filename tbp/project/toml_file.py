"""A TOML file that a project may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tbp.errors import UsageError
from tbp.system.bounded import TooSlow, limited_to, read_plain

MOST_BYTES = 4_000_000  # of pyproject.toml or acks.toml; 20,000 acknowledgements
MOST_DEPTH = 50  # tables and arrays in each other; beyond some hundred Python cannot even print them
MOST_CPU_S = 10.0  # Python's parser reads about 1 MB/s of sound files


def read_toml(path: Path) -> dict[str, Any] | None:
    """The content of ``path``; None without such a file. Raises UsageError where it cannot be read."""
    try:
        text = read_plain(path, MOST_BYTES).decode("utf-8")
        import tomllib  # here, as most projects have no TOML file for tbp to read

        with limited_to(MOST_CPU_S):
            content = tomllib.loads(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # ValueError: bad TOML, bad UTF-8
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot read {path}: {reason}; correct the file") from None
    except TooSlow:
        raise UsageError(f"cannot read {path}: it took {MOST_CPU_S:g} s; write shorter keys and values") from None
    except RecursionError:
        content = None
    if content is None or _is_deep(content):
        raise UsageError(f"cannot read {path}: it is nested more than {MOST_DEPTH} deep; correct the file")
    return content


def _is_deep(content: object) -> bool:
    level: list[object] = [content]
    for _ in range(MOST_DEPTH):
        level = [inner for each in level for inner in _inside(each)]
    return bool(level)


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
