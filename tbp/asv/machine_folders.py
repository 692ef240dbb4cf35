"""The machines of a results folder by the names of its files alone, which takes no longer than to list them.

Gives the commits of each machine, and the names of the facts that its machine.json has. No result is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tbp.asv.declarations import read_json
from tbp.asv.result_file import facts_of
from tbp.model.runs import fact_name

MACHINE_FILE = "machine.json"


class MachineFolders(Struct, frozen=True):
    """The folders of machines, by asv's identifiers."""

    commits: Mapping[str, frozenset[str]]  # as the files' names have them, short
    facts: Mapping[str, frozenset[str]]  # "processor", "memory", …


def machine_folders(results_dir: Path) -> MachineFolders:
    """The machines under ``results_dir``; none where there is no such folder."""
    commits: dict[str, frozenset[str]] = {}
    facts: dict[str, frozenset[str]] = {}
    for folder in sorted(path for path in results_dir.glob("*") if path.is_dir()):
        names = [path.name for path in folder.glob("*-*.json")]
        if names:
            commits[folder.name] = frozenset(name.partition("-")[0] for name in names)
            content = read_json(folder / MACHINE_FILE)
            known = facts_of(content) if isinstance(content, dict) else ()
            facts[folder.name] = frozenset(fact_name(name) for name, _ in known)
    return MachineFolders(commits, facts)
