"""asv.conf.json: the few keys tbp reads, without importing asv.

Takes the file's path, gives an ``AsvConfig`` with absolute folders. asv's own reading of the file stays asv's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from tbp.errors import UsageError

DEFAULT_NAME = "asv.conf.json"
ACKS = Path("reports", "acks.toml")  # beside it, or here where the results are from elsewhere

# A string, or a comment: asv's file is JSON with // and /* */ comments, which strings may contain too.
_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')


class AsvConfig(NamedTuple):  # dataclasses take longer to import than a report that stands already takes to be found
    """What tbp needs of asv.conf.json."""

    path: Path
    project: str
    repository: Path | None  # None where ``repo`` is a URL
    results_dir: Path
    branches: tuple[str, ...]
    commit_url: str  # show_commit_url when it is a web address, else ""
    benchmark_dir: str = "benchmarks"  # relative to the file

    @property
    def policy_file(self) -> Path:
        """Where ``tbp.policy`` looks."""
        return self.path.parent / "pyproject.toml"

    @property
    def acks_file(self) -> Path:
        """Where ``tbp.acks`` looks."""
        return self.path.parent / ACKS

    @property
    def local_repository(self) -> Path:
        """The project's repository on this machine. Raises UsageError where ``repo`` is an address."""
        if self.repository is None:
            raise UsageError(f"{self.path}: repo is an address; this needs a local clone: set repo to its folder")
        return self.repository


def own_config(config: AsvConfig | None, results_dir: Path | None) -> AsvConfig | None:
    """``config`` if these results are its own; those from elsewhere are of other commits than its repository's."""
    return config if config is not None and results_dir in (None, config.results_dir) else None


def results_folder(config: AsvConfig | None, results_dir: Path | None) -> Path:
    """``results_dir``, or else where ``config`` keeps its results."""
    return results_dir if results_dir is not None else config.results_dir if config is not None else Path()


def configuration(config: Path | None, results_dir: Path | None) -> AsvConfig | None:
    """The asv.conf.json to go by: the one named, else the one here, else none if there are results to go by.

    Raises:
        UsageError: it cannot be read, or there is neither a configuration nor a results folder.
    """
    if config is None and results_dir is not None and not Path(DEFAULT_NAME).exists():
        return None
    return read_config(config or Path(DEFAULT_NAME))


def read_config(path: Path) -> AsvConfig:
    """The configuration at ``path``.

    Raises:
        UsageError: there is no such file, or it is not what asv would accept.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror or error}; run this where asv.conf.json is, "
            "or name it with --config (or the results with --results)"
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from None
    try:
        values = json.loads(_TRAILING_COMMA.sub(r"\1", _without_comments(text)))
    except ValueError as error:
        raise UsageError(f"{path} is not valid JSON (with comments): {error}; correct it there") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path} must hold a JSON object with asv's keys, not a {type(values).__name__}")
    return _checked(path.resolve(), values)


def _without_comments(text: str) -> str:
    """Comments become blanks that keep the lines, so that JSON's error positions stay true."""

    def blank(match: re.Match[str]) -> str:
        found = match.group()
        return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)

    return _STRING_OR_COMMENT.sub(blank, text)


def _checked(path: Path, values: dict[str, object]) -> AsvConfig:
    def text(key: str, default: str) -> str:
        value = values.get(key, default)
        if not isinstance(value, str):
            raise UsageError(f"{path}: {key} must be a string, not {value!r}")
        return value

    branches = values.get("branches") or ["main"]
    if not isinstance(branches, list) or not all(isinstance(branch, str) for branch in branches):
        raise UsageError(f"{path}: branches must be a list of branch names, not {branches!r}")
    repo = text("repo", ".")
    is_address = re.match(r"[\w.+-]+(://|@[^/]+:)", repo) is not None
    commit_url = text("show_commit_url", "")
    return AsvConfig(
        path=path,
        project=text("project", path.parent.name),
        repository=None if is_address else path.parent / repo,
        results_dir=path.parent / text("results_dir", "results"),
        branches=tuple(branches),
        commit_url=commit_url if re.match(r"https?://", commit_url) else "",
        benchmark_dir=text("benchmark_dir", "benchmarks"),
    )
