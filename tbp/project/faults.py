"""Faults of the files in which a project sets tbp up: asv.conf.json, ``[tool.tbp]``, acks.toml and claims.toml.

Takes paths, gives ``Fault``s with their lines. Each file is read by the code that every verb reads it with; nothing is
imported or measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from tbp.errors import UsageError
from tbp.project.acknowledgements import read_acks
from tbp.project.asv_config import AsvConfig, read_config
from tbp.project.claims_file import claims_path, read_claims
from tbp.project.config_faults import config_faults
from tbp.project.policy import Policy, read_policy
from tbp.project.toml_file import read_toml

POLICY_NAME = "pyproject.toml"
CONFIG_ENDS = (".json", ".jsonc")  # a project may have several, each with a name of its choice
# The readers name the entry, and TOML's and JSON5's parsers the line.
_LINE = re.compile(r"\bline (\d+)\b")
_ENTRY = re.compile(r"\[\[(ack|defect|claim|claim\.practice)\]\] number (\d+)")  # one in the other, the outer first
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


def readable(path: Path) -> AsvConfig | None:
    """The configuration; None where it has a fault that keeps it from being read."""
    try:
        return read_config(path)
    except UsageError:
        return None


def files_of(config: AsvConfig) -> tuple[Path, ...]:
    """The files that the project has, beside its configuration; below the current folder by the path from there."""
    try:
        policy = read_policy(config.policy_file)
    except UsageError:  # a fault of its own
        policy = Policy()
    paths = (config.policy_file, config.acks_file, claims_path(config, policy))
    here = Path.cwd()
    return tuple(path.relative_to(here) if path.is_relative_to(here) else path for path in paths if path.exists())


def faults_of(path: Path) -> tuple[Fault, ...]:
    """The faults of one file. Readers end at the first one, which is all of them."""
    if path.suffix not in (*CONFIG_ENDS, ".toml"):
        raise UsageError(f"{path} is no asv.conf.json, pyproject.toml, acks.toml or claims.toml: leave it out")
    if not path.exists():
        raise UsageError(f"there is no file {path}: correct the path, or leave it out")
    try:
        if path.suffix in CONFIG_ENDS:
            return tuple(Fault(path, _line(path, key), text) for key, text in config_faults(read_config(path)))
        if path.name == POLICY_NAME:
            read_policy(path)
        elif {"claim", "defect"}.intersection(read_toml(path) or ()):  # whatever the project calls it
            read_claims(path)
        else:
            read_acks(path)
    except UsageError as error:
        if not path.is_file():
            raise
        message = str(error)
        text = message.removeprefix("cannot read ")
        for name in (path.resolve(), path):
            text = text.removeprefix(f"{name}: ").removeprefix(f"{name}, ").removeprefix(f"{name} ")
        return (Fault(path, _line(path, message), text),)
    return ()


def _line(path: Path, message: str) -> int:
    """The line that ``message`` is on: as the parser counts it, or of the entry or key that it names."""
    if match := _LINE.search(message):
        return int(match[1])
    lines = path.read_text("utf-8", "replace").splitlines()
    first, end = 0, len(lines)
    entries = _ENTRY.findall(message)
    for table, rank in entries:
        begins = [number for number in range(first, len(lines)) if _begins(lines[number], table)]
        first = begins[int(rank) - 1] if len(begins) >= int(rank) else first
    if entries:
        end = next((number for number in range(first + 1, end) if lines[number].lstrip().startswith("[[")), end)
    elif _TABLE in message:
        first = next((number for number, line in enumerate(lines) if line.lstrip().startswith(_TABLE)), 0)
    keys = [_KEY.match(line) for line in lines[first:end]]
    names = [(key[1] or key[2] or key[3] or "").strip() if key else "" for key in keys]
    # The key that is at fault is named before those that are known instead.
    wanted = (word for word in re.findall(r"[^\s,;:()\[\]'\"]+", message) if word in names)
    named = next(wanted, None)
    if named is not None:
        return first + 1 + names.index(named)
    return first + 1 if first else 0


def _begins(line: str, table: str) -> bool:
    """True of the line that begins an entry of that array of tables."""
    return re.sub(r"\s", "", line).startswith(f"[[{table}]]")
