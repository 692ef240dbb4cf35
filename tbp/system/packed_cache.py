"""Values in files of the cache, packed by msgpack; every line of tbp is in their version."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from tbp.system import cache

Value = TypeVar("Value")


def load(path: Path, kind: bytes, decoder: msgspec.msgpack.Decoder[Value]) -> Value | None:
    """What this very code saved as ``kind``; None where there is no such thing, whole and unchanged."""
    if not os.path.exists(path):  # noqa: PTH110 - a Path that may not be looked at raises
        return None  # and nobody has to know the version
    return decoded(cache.load(path, kind, cache.code_version()), decoder)


def decoded(payload: memoryview | None, decoder: msgspec.msgpack.Decoder[Value]) -> Value | None:
    """None where it is something else, or nothing."""
    if payload is None:
        return None
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def save(path: Path, kind: bytes, value: object) -> None:
    """Keep ``value``. Where that cannot be done (a full disk, no right to write), it is not."""
    cache.save(path, kind, cache.code_version(), msgspec.msgpack.encode(value))
