"""Processes that a test starts: their environment, and whether they have ended."""

import os
import time
from collections.abc import Sequence
from pathlib import Path


def clean_environment(*further: str) -> dict[str, str]:
    """The variables of this process without those of asv and tbp, nor any that begins as one of ``further``."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ASV_", "TBP_", *further))}


def is_running(pid: int) -> bool:
    """False of a process that has ended, also where its parent has not yet asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def all_end(pids: Sequence[int], within_s: float) -> bool:
    """Whether none is running any more; what was killed is gone a moment later."""
    end_s = time.monotonic() + within_s
    while any(map(is_running, pids)) and time.monotonic() < end_s:
        time.sleep(0.01)
    return not any(map(is_running, pids))
