"""The files of a results folder that runners share: asv's, the ruler's, and the notes of nights.

Takes paths relative to the results folder. Locks, hidden files and what killed runs left half written stay where they
are; so does whatever nobody here knows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tbp.asv.ratios import END as RATIOS_END
from tbp.asv.reasons import END as REASONS_END
from tbp.asv.session_files import SESSION_END
from tbp.nightly.night_lock import NAME as LOCK
from tbp.system.foreign_text import INVISIBLE
from tbp.traces.recording import OPERATORS_END, TRACE_END

STATE = "nightly.data"
"""The file in which a results folder remembers what it shares with a data branch."""
MOST_NAME_BYTES = 255  # of a name; no file system of Linux or macOS takes more
MOST_PATH = 1000  # characters; asv's longest names of environments and benchmarks have 300 together

_NAME = r"[^/.][^/]*"
_ENDS = "|".join(map(re.escape, (SESSION_END, TRACE_END, OPERATORS_END)))
_BESIDE = "|".join(map(re.escape, (RATIOS_END, REASONS_END)))
_TOP = r"benchmarks\.json|(?:nightly|notify)\.[\w-]+"
_MACHINE = rf"(?!(?:{_TOP})/){_NAME}"  # a folder for one runner may be no file for another
_SHARED = re.compile(
    rf"{_TOP}|{_MACHINE}/{_NAME}(?:\.json|{_BESIDE})"
    rf"|{_MACHINE}/{_NAME}\.traces/{_NAME}/{_NAME}(?:{_ENDS})"
)


def is_shared(path: str) -> bool:
    """True of a file that belongs on a data branch; it lies inside the results folder, whoever wrote the path."""
    return (
        len(path) <= MOST_PATH
        and path not in (STATE, LOCK)
        and _SHARED.fullmatch(path) is not None
        and all(len(os.fsencode(name)) <= MOST_NAME_BYTES for name in path.split("/"))
        and "\n" not in path
        and not INVISIBLE.search(path)
    )


def is_changing(path: str) -> bool:
    """True of a file that is written more than once; sessions and traces never are."""
    return not path.endswith((SESSION_END, TRACE_END, OPERATORS_END))


def grows(path: str) -> bool:
    """True of results and the files beside them, to which runners add."""
    return path.endswith((RATIOS_END, REASONS_END)) or (
        "/" in path and path.endswith(".json") and not path.endswith("/machine.json")
    )


def is_result(path: str) -> bool:
    """True of what asv writes in place, so that a killed one leaves it cut off."""
    return path.endswith(".json")


def table_of(path: str) -> str:
    """The operator table that ``tbp trace prune`` puts in the place of a raw trace; empty for any other file."""
    return path.removesuffix(TRACE_END) + OPERATORS_END if path.endswith(TRACE_END) else ""


def shared_files(results_dir: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every plain file below ``results_dir`` that is shared, with its state."""
    for folder, _, names in os.walk(results_dir):
        for name in names:
            file = Path(folder, name)
            path = file.relative_to(results_dir).as_posix()
            if is_shared(path) and not file.is_symlink() and file.is_file():
                yield path, file.stat()
