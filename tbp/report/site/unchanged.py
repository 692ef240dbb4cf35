"""Whether a report is still what its inputs say, told without reading them.

A report that was built is noted with the identity of every file that it was made from and of every file that it
consists of. As long as all of them are the same, there is nothing to do but to say again what was said then. This
module is all that such a report costs, so it imports little.
"""

from __future__ import annotations

import json
import marshal
import os
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import tbp
from tbp.project.git import GitFailed, Question
from tbp.system import cache
from tbp.system.cache import SETTLED_NS

# Where the branches and tags of a repository are, which is all of it that can change.
_REFERENCES = (("show-ref", "--head"), ("rev-parse", "--is-shallow-repository"))
DEPTH = 3  # folders below a results folder: machine, traces of a run, benchmark
_KIND, _FORMAT = b"report", b"1"
_NAME = attrgetter("name")

Identity = tuple[int, int, int, int]  # of a file: size, times of modification and change, inode


class Inputs(NamedTuple):
    """Everything that a report is made from."""

    results_dir: Path
    files: tuple[Path, ...]  # configuration, policy, acknowledgements: read if they are there
    repository: Path | None
    asked: str  # what the command line says besides


class Said(NamedTuple):
    """What a build printed, and what its exit code depends on."""

    lines: str
    problems: str
    is_regressed: bool


class Seen(NamedTuple):
    """The files below a folder, before any of them was read."""

    at_ns: int  # when looking began
    files: list[tuple[str, Identity | None]]  # in an order of their names; None for what is no file, or gone


def is_settled(identity: Identity, seen_ns: int) -> bool:
    """Whether a file, as it was at ``seen_ns``, cannot have changed since without its identity changing too: asv writes
    a result in place.
    """
    return seen_ns - max(identity[1:3]) > SETTLED_NS


def look(folder: Path, depth: int = DEPTH) -> Seen:
    """What is in ``folder``, and in folders below it to ``depth``."""
    return Seen(time.time_ns(), _tree(folder, depth))


class Present:
    """What a report is made from, as it is when this is made. To be used as a context: git is asked meanwhile where its
    references are. What changes after that has another fingerprint, or one that says nothing.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._asked = inputs.asked
        repository = inputs.repository if cache.folder() is not None else None  # where nothing is kept nobody compares
        questions = [Question(repository, *about) for about in _REFERENCES] if repository is not None else []
        self._open = ExitStack()
        self._questions = [self._open.enter_context(question) for question in questions]
        self.seen = look(inputs.results_dir)
        self._files = [(str(path), _identity(path)) for path in inputs.files]

    def __enter__(self) -> Present:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.__exit__(kind, error, at)

    def hear_git(self) -> None:
        """To be called before git is asked anything else: what changes from here on has another fingerprint."""
        _ = self._references

    @cached_property
    def fingerprint(self) -> str:
        """Changes when anything changes that a report is made from; empty where that cannot be told now, or nothing is
        kept.
        """
        # tbp's own are looked at later than the rest: one that changed since the beginning is too young.
        identities = [*self._files, *self.seen.files, *_tree(tbp.__path__[0])]
        are_settled = all(is_settled(own, self.seen.at_ns) for _, own in identities if own is not None)
        if cache.folder() is None or not are_settled:
            return ""
        return cache.digest_of(_bytes(sys.version, _packages(), identities, self._asked, self._references)).hex()

    @cached_property
    def _references(self) -> str:
        try:
            return "".join(question.answer() for question in self._questions)
        except GitFailed as failure:
            return str(failure)


def said_before(index: Path, present: Present) -> Said | None:
    """What was said when the report at ``index`` was built from the same inputs, if all of it is still there."""
    place = cache.folder()
    payload = cache.load(_note(place, index), _KIND, _FORMAT) if place is not None else None
    if payload is None:
        return None
    try:
        noted = json.loads(bytes(payload))
        said = Said(**noted["said"])
        written = {str(name): tuple(identity) for name, identity in noted["written"].items()}
        is_same = noted["fingerprint"] == present.fingerprint != ""
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    is_there = bool(written) and all(_identity(index.parent / name) == own for name, own in written.items())
    return said if is_same and is_there else None


def note(index: Path, present: Present, written: Iterable[str], said: Said) -> None:
    """Note that the report at ``index`` consists of the files ``written`` (relative to its folder)."""
    place = cache.folder()
    if place is None or not present.fingerprint:
        return
    identities = {name: _identity(index.parent / name) for name in sorted(written)}
    if None not in identities.values():
        content = {"fingerprint": present.fingerprint, "written": identities, "said": said._asdict()}
        cache.save(_note(place, index), _KIND, _FORMAT, json.dumps(content).encode())


def _packages() -> list[tuple[str, Identity | None]]:
    """Changes where any package is installed: looking is cheaper than reading."""
    return [(path, _identity(path)) for path in sys.path if path.endswith("-packages")]


def _bytes(*values: str | list[tuple[str, Identity | None]]) -> bytes:
    """Equal for equal values: marshal's version 2 knows no references. ``repr`` of thousands of numbers takes long."""
    return marshal.dumps(values, 2)


def _note(place: Path, index: Path) -> Path:
    return place / f"report-{cache.name_of(index)}"


def _identity(path: Path | str) -> Identity | None:
    """None where there is no file."""
    try:
        stat = os.stat(path)  # noqa: PTH116 - a Path for each of thousands of files costs more than looking at them
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _tree(folder: Path | str, depth: int = DEPTH) -> list[tuple[str, Identity | None]]:
    """Every file below ``folder``, in an order of their names."""
    try:
        entries = sorted(os.scandir(folder), key=_NAME)
    except OSError:
        return []
    found: list[tuple[str, Identity | None]] = []
    for entry in entries:
        if not entry.is_dir():
            found.append((entry.path, _identity(entry.path) if entry.is_file() else None))
        elif depth and entry.name != "__pycache__":
            found += _tree(entry.path, depth - 1)
    return found
