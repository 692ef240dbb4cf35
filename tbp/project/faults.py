"""Faults of the files in which a project sets tbp up: asv.conf.json, ``[tool.tbp]`` and acks.toml.

Takes paths, gives ``Fault``s with their lines. Each file is read by the code that every verb reads it with; nothing is
imported, measured or asked of git.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from tbp.errors import UsageError
from tbp.project.acknowledgements import read_acks
from tbp.project.asv_config import AsvConfig, read_config
from tbp.project.policy import read_policy

POLICY_NAME = "pyproject.toml"
CONFIG_ENDS = (".json", ".jsonc")  # a project may have several, each with a name of its choice
# The readers name the entry, and TOML's and JSON5's parsers the line.
_LINE = re.compile(r"\bline (\d+)\b")
_ENTRY = re.compile(r"\[\[ack\]\] number (\d+)")
_ENTRY_BEGINS = re.compile(r"^\s*\[\[\s*ack\s*\]\]")
_KEY = re.compile(r"""^\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))\s*[=:]""")
_TABLE = "[tool.tbp"


class Fault(Struct, frozen=True):
    """A thing that a verb would refuse, or could not work with."""

    path: Path
    line: int  # from 1; 0 where no line has it
    text: str  # a sentence, which may have foreign names

    def __str__(self) -> str:
        at = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{at}: {self.text}"


def faults(paths: Iterable[Path]) -> tuple[Fault, ...]:
    """The faults of each file, by its name. Raises UsageError for one that is none of tbp's."""
    return tuple(fault for path in paths for fault in faults_of(path))


def files_of(config: AsvConfig) -> tuple[Path, ...]:
    """The files that the project has, beside its configuration."""
    return tuple(path for path in (config.policy_file, config.acks_file) if path.exists())


def faults_of(path: Path) -> tuple[Fault, ...]:
    """The faults of one file. Readers end at the first one, which is all of them."""
    if path.suffix not in (*CONFIG_ENDS, ".toml"):
        raise UsageError(f"{path} is no asv.conf.json, pyproject.toml or acks.toml: leave it out")
    try:
        if path.suffix in CONFIG_ENDS:
            return tuple(_missing(path, read_config(path)))
        if path.name == POLICY_NAME:
            read_policy(path)
        else:
            read_acks(path)
    except UsageError as error:
        if not path.is_file():
            raise
        message = str(error)
        text = message.removeprefix("cannot read ")
        for name in (path.resolve(), path):
            text = text.removeprefix(f"{name}: ").removeprefix(f"{name}, ")
        return (Fault(path, _line(path, message), text),)
    return ()


def _missing(path: Path, config: AsvConfig) -> Iterable[Fault]:
    """The folders that the configuration names, and that are not there."""
    if not (config.path.parent / config.benchmark_dir).is_dir():
        line = _line(path, "benchmark_dir")
        yield Fault(path, line, f"benchmark_dir: there is no folder {config.benchmark_dir}; make it or name another")
    if config.repository is not None and not config.repository.exists():
        yield Fault(path, _line(path, "repo"), f"repo: there is no folder {config.repository}; name that of the clone")


def _line(path: Path, message: str) -> int:
    """The line that ``message`` is on: as the parser counts it, or of the entry or key that it names."""
    if match := _LINE.search(message):
        return int(match[1])
    lines = path.read_text("utf-8", "replace").splitlines()
    first, wanted = 0, set(re.findall(r"[^\s,;:()\[\]'\"]+", message))
    if match := _ENTRY.search(message):
        begins = [number for number, line in enumerate(lines) if _ENTRY_BEGINS.match(line)]
        first = begins[int(match[1]) - 1] if len(begins) >= int(match[1]) else 0
    elif _TABLE in message:
        first = next((number for number, line in enumerate(lines) if line.lstrip().startswith(_TABLE)), 0)
    for number, line in enumerate(lines[first:], start=first + 1):
        key = _KEY.match(line)
        if key and (key[1] or key[2] or key[3] or "").strip() in wanted:
            return number
    return first + 1 if first else 0
