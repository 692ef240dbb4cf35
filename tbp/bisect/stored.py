"""Bisections that were begun, kept beside asv's environments: what they measured, never what it means.

Takes a question (which benchmark, which commits, measured with what), gives the trials of an earlier try of the same
question; stores them after each pair. Another question has another file.
"""

from __future__ import annotations

import hashlib
from math import inf, isnan, nan
from pathlib import Path

import msgspec
from msgspec import Struct

from tbp.bisect.indirect import IndirectEffect
from tbp.bisect.search import LineSearch
from tbp.bisect.trials import Role, Ruling, SeriesName, Trial
from tbp.model.series import Parameters
from tbp.statistics.paired_ratios import Pair
from tbp.system.foreign_json import value_at
from tbp.system.whole_files import write_whole

FOLDER = "bisect"
# History of the file.
#   1  first
#   2  steps that other trials' pairs confirm
FORMAT = 2
MOST_BYTES = 4_000_000  # a search of a thousand probes has one
MOST_SUITE_BYTES = 50_000_000  # of all modules of the suites together; more are told apart by their names alone


class Question(Struct, frozen=True):
    """All that two searches must share to go on with each other's pairs."""

    bench: str  # as the user named it
    line: tuple[str, ...]  # full hashes, the good end first
    environment: str  # asv's -E
    threads: int
    machine: str
    suites: str  # digest of the working tree's suites, which all commits run
    relevant: float

    def path(self, env_dir: Path) -> Path:
        digest = hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]
        return env_dir / FOLDER / f"{digest}.bisect"


class _StoredPair(Struct, frozen=True, array_like=True):
    effect: float
    cpu_effect: float | None
    base_s: float
    head_s: float
    contaminated: float


class _StoredTrial(Struct, frozen=True):
    role: Role
    base: int
    head: int
    ruling: Ruling
    pairs: tuple[_StoredPair, ...]
    reason: str = ""
    least: int = 0
    operators: tuple[str, ...] | None = None
    indirect: IndirectEffect | None = None


class _SearchFile(Struct, frozen=True):
    format: int
    question: Question
    benchmark: str  # the one that it meant
    parameters: Parameters
    trials: tuple[_StoredTrial, ...]
    skipped: tuple[tuple[int, str], ...]


def digest_of_suites(folder: Path) -> str:
    """A digest of the Python files of the suites: pairs of other suites measured something else."""
    digest, left = hashlib.sha256(), MOST_SUITE_BYTES
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode(errors="replace") + b"\0")
        try:
            left -= path.stat().st_size
            if left > 0:
                digest.update(path.read_bytes())
        except OSError:
            continue
    return digest.hexdigest()[:16]


class StoredSearch:
    """The file of one question, which has been asked before or not."""

    def __init__(self, env_dir: Path, question: Question) -> None:
        self._path = question.path(env_dir)
        self._question = question

    def forget(self) -> None:
        """Remove what an earlier try left. Raises OSError."""
        self._path.unlink(missing_ok=True)

    def write(self, series: SeriesName, search: LineSearch) -> None:
        """Store a search. Raises OSError and leaves the file as it was."""
        trials = tuple(_stored(trial) for trial in search.trials)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = _SearchFile(FORMAT, self._question, *series, trials, tuple(search.skipped.items()))
        write_whole(self._path, msgspec.json.encode(content))

    def read_into(self, search: LineSearch) -> SeriesName | None:
        """Fill ``search`` with what an earlier try left, and give the series it measured; None where nothing is."""
        content = value_at(self._path, _SearchFile, MOST_BYTES)
        if content is None:
            return None
        indexes = [index for trial in content.trials for index in (trial.base, trial.head)]
        indexes += [index for index, _ in content.skipped]
        indexes += [index for trial in content.trials if trial.indirect for index, _ in trial.indirect.against]
        is_usable = content.format == FORMAT and content.question == self._question
        if not is_usable or not all(0 <= index < len(self._question.line) for index in indexes):
            return None
        search.trials = [_restored(trial) for trial in content.trials]
        search.skipped = dict(content.skipped)
        return content.benchmark, content.parameters


def _stored(trial: Trial) -> _StoredTrial:
    pairs = tuple(
        _StoredPair(
            pair.effect, None if isnan(pair.cpu_effect) else pair.cpu_effect, pair.base_s, pair.head_s,
            pair.contaminated,
        )
        for pair in trial.pairs
    )  # fmt: skip
    return _StoredTrial(
        trial.role, trial.base, trial.head, trial.ruling, pairs, trial.reason, trial.least,
        trial.operators, trial.indirect,
    )  # fmt: skip


def _restored(stored: _StoredTrial) -> Trial:
    pairs = [
        Pair(
            pair.effect,
            nan if pair.cpu_effect is None else pair.cpu_effect,
            pair.base_s,
            pair.head_s,
            pair.contaminated,
        )
        for pair in stored.pairs
        if abs(pair.effect) < inf
    ]
    return Trial(
        stored.role, stored.base, stored.head, pairs, stored.ruling, stored.reason, stored.least,
        stored.operators, stored.indirect,
    )  # fmt: skip
