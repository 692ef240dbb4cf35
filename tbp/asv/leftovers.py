"""Leftovers of killed runs in a results folder: files half written, traces without a session, results cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tbp.asv.result_cache import MOST_BYTES
from tbp.asv.session_files import SESSION_END
from tbp.model.series import short_hash
from tbp.system.foreign_json import object_at
from tbp.system.whole_files import UNFINISHED, remove_unfinished, write_whole
from tbp.traces.recording import TRACE_END, cell_and_session

RECORDED = ".unfinished-"  # as ``tbp.bench.recorder`` names what it writes
MACHINES = "~/.asv-machine.json"  # asv's name for it
# A hidden file or a trace without its session that is older belongs to no run that still goes on: both are there for
# the seconds between the end of a timing and the writing of its session (``tbp.bench.recorder``).
ABANDONED_S = 3600.0


def remove_abandoned(results_dir: Path) -> int:
    """Delete files half written, and traces that have no session; returns how many files that was.

    One of the ruler that is younger than ``ABANDONED_S`` stays: it may belong to a run that goes on. One of a time to
    come is of a clock that was set back.
    """
    now_s = time.time()
    removed = sum(map(remove_unfinished, {path.parent for path in results_dir.rglob(f"{UNFINISHED}*")}))
    for path in (*results_dir.rglob(f"{RECORDED}*"), *_lone_traces(results_dir)):
        with suppress(OSError):  # another night was quicker, or it is not ours to remove
            if abs(now_s - path.stat().st_mtime) > ABANDONED_S and not path.name.startswith(UNFINISHED):
                path.unlink()
                removed += 1
    return removed


def set_aside(results_dir: Path, commits: Iterable[str]) -> list[Path]:
    """Give asv's result files of ``commits`` that are no JSON a name that asv passes over; their new paths.

    asv writes in place, and refuses to measure a commit whose file was cut off.
    """
    paths = {path for commit in commits for path in results_dir.glob(f"*/{short_hash(commit)}-*.json")}
    damaged = [path for path in sorted(paths) if object_at(path, MOST_BYTES) is None]
    return [path.replace(path.with_name(f"{path.name}.unreadable")) for path in damaged]


def set_machine_aside() -> Path | None:
    """Do so with the file in which asv describes this user's machines; its new path, None where it can be read.

    asv writes it on every night, and ends where it was cut off.
    """
    path = Path(MACHINES).expanduser()
    if not path.exists() or object_at(path, MOST_BYTES) is not None:
        return None
    return path.replace(path.with_name(f"{path.name}.unreadable"))


def machine_facts(path: Path, name: str) -> dict[str, str]:
    """asv's facts of the machine ``name`` in a file like MACHINES; none where it has none."""
    machine = (object_at(path, MOST_BYTES) or {}).get(name)
    facts = machine if isinstance(machine, dict) else {}
    return {fact: value for fact, value in facts.items() if isinstance(value, str)}


def add_machine_facts(path: Path, name: str, facts: Mapping[str, str]) -> None:
    """Adds ``facts`` to those of the machine ``name`` in a file like MACHINES; what the file says already stays.

    `asv machine --cpu=…` stores nothing that equals what it finds out itself, and so nothing at all.
    """
    content = object_at(path, MOST_BYTES) or {}
    known = content.get(name)
    if isinstance(known, dict) and (full := {**facts, **known, "machine": name}) != known:
        write_whole(path, json.dumps({**content, name: full}, indent=4).encode())


def _lone_traces(results_dir: Path) -> Iterator[Path]:
    for path in results_dir.glob(f"*/*.traces/*/*{TRACE_END}"):
        if not path.with_name(cell_and_session(path) + SESSION_END).exists():
            yield path
