"""The time and memory that a reader takes, measured in a process of its own.

A tool that compares readers runs itself once for each with ``--measure READER PATH`` (``reading``), and that run prints
its measurement (``measure``). Other tools import this module.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

Read = Callable[[Path], int]


@dataclass(frozen=True)
class Reading:
    """One reader's costs; its imports are done before the clock starts."""

    rows: int
    wall_s: float
    cpu_s: float
    imports_mib: float
    peak_mib: float


def measure(read: Read, path: Path) -> None:
    """Print the ``Reading`` of ``read``, which gives the number of rows in ``path``."""
    imports_mib = peak_mib()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    rows = read(path)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    print(json.dumps(astuple(Reading(rows, wall_s, cpu_s, imports_mib, peak_mib()))))


def peak_mib() -> float:
    """Peak memory of this process; ru_maxrss would be at least that of the process which started it."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def reading(
    script: str, reader: str, path: Path, python: str = sys.executable, environment: Mapping[str, str] | None = None
) -> Reading | str:
    """The measurement that ``script --measure`` prints, or the last line of its error."""
    command = [python, script, "--measure", reader, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["failed"])[-1][:80]
    return Reading(*json.loads(done.stdout.splitlines()[-1]))
