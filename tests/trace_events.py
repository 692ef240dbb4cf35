"""Events of literal traces."""

from typing import Any


def event(name: str, ts: float, dur: float, extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """An operator on the first thread, but for ``extra``."""
    return {"ph": "X", "cat": "cpu_op", "name": name, "pid": 1, "tid": 1, "ts": ts, "dur": dur, **(extra or {})}


def as_read(name: str) -> str:
    """``name`` as the reader of traces gives it, in which half a character is a question mark or a �."""
    return name.encode(errors="replace").decode()
