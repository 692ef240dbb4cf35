"""JSON of others: a text that is damaged, nested too deeply or of another form gives None, whatever its parser raises.

Takes bytes or text, gives an object or a value of a type. How much is read is bounded before: ``tbp.system.bounded``
has files, ``tbp.web.http`` answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import msgspec

from tbp.system.bounded import read_plain

Value = TypeVar("Value")


def object_in(text: bytes | str) -> dict[str, object] | None:
    """The JSON object that ``text`` is; NaN, Infinity and halves of characters, which Python writes, are taken."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # ValueError: bad JSON, bad UTF-8, numbers beyond any use
        return None
    return content if isinstance(content, dict) else None


def object_at(path: Path, most_bytes: int) -> dict[str, object] | None:
    """The JSON object in a file; None, too, where it cannot be read or is larger than ``most_bytes``."""
    try:
        return object_in(read_plain(path, most_bytes))
    except OSError:
        return None


def value_in(text: bytes | str, kind: type[Value]) -> Value | None:
    """The value of type ``kind`` that ``text`` is, as msgspec reads it."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):  # ValueError: bad UTF-8
        return None


def value_at(path: Path, kind: type[Value], most_bytes: int) -> Value | None:
    """The value of type ``kind`` in a file; None, too, where it cannot be read or is larger than ``most_bytes``."""
    try:
        return value_in(read_plain(path, most_bytes), kind)
    except OSError:
        return None
