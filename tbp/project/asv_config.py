"""asv.conf.json: the few keys tbp reads, without importing asv.

Takes the file's path, gives an ``AsvConfig`` with absolute folders. The file is JSON5, as asv 0.6 reads it. What asv
makes of the other keys stays asv's.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tbp.errors import UsageError

DEFAULT_NAMES = ("asv.conf.json", "asv.conf.jsonc")  # as asv 0.6.6 looks for them
ACKS = Path("reports", "acks.toml")  # beside it, or here where the results are from elsewhere


class AsvConfig(NamedTuple):  # dataclasses take longer to import than a report that stands already takes to be found
    """What tbp needs of asv.conf.json."""

    path: Path
    project: str
    repository: Path | None  # None where ``repo`` is a URL
    results_dir: Path
    branches: tuple[str, ...]  # as asv names them, one at least; "" is the repository's default branch
    commit_url: str  # show_commit_url when it is a web address, else ""
    benchmark_dir: str = "benchmarks"  # relative to the file

    @property
    def branch(self) -> str:
        """The branch whose first-parent line the series are; "" is the repository's default branch."""
        return self.branches[0]

    @property
    def policy_file(self) -> Path:
        """Where ``tbp.project.policy`` looks."""
        return self.path.parent / "pyproject.toml"

    @property
    def acks_file(self) -> Path:
        """Where ``tbp.project.acknowledgements`` looks."""
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


def default_path() -> Path | None:
    """The configuration in this folder, None without one. Raises UsageError where there are two, as asv does."""
    found = [Path(name) for name in DEFAULT_NAMES if Path(name).exists()]
    if len(found) > 1:
        raise UsageError(f"here are both {' and '.join(DEFAULT_NAMES)}: name one with --config")
    return found[0] if found else None


def configuration(config: Path | None, results_dir: Path | None, branch: str = "") -> AsvConfig | None:
    """The asv.conf.json to go by: the one named, else the one here, else none if there are results to go by.

    ``branch`` takes the place of the file's first one, unless it is empty.

    Raises:
        UsageError: it cannot be read, or there is neither a configuration nor a results folder.
    """
    path = config or default_path()
    if path is None and results_dir is not None:
        if branch:
            raise UsageError(f"--branch {branch} needs the repository: name its asv.conf.json with --config")
        return None
    return read_config(path, branch)


def read_config(path: Path | None = None, branch: str = "") -> AsvConfig:
    """The configuration at ``path``, or else the one in this folder; ``branch`` as in ``configuration``.

    Raises:
        UsageError: there is no such file, or it is not what asv would accept.
    """
    path = path or default_path() or Path(DEFAULT_NAMES[0])
    config = _checked(path.resolve(), _content(path))
    if not branch:
        return config
    _ = config.local_repository  # has the branch
    return config._replace(branches=(branch, *config.branches))


def _content(path: Path) -> dict[str, object]:
    import json5  # here, as a report of results from elsewhere needs no configuration

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
        values = json5.loads(text)
    except (ValueError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        reason = "it is nested too deeply" if deep else str(error).replace("<string>:", "line ")
        raise UsageError(f"{path} is no JSON5, as asv reads it: {reason}; correct it there") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path} must hold a JSON object with asv's keys, not a {type(values).__name__}")
    return values


def _checked(path: Path, values: dict[str, object]) -> AsvConfig:
    def text(key: str, default: str) -> str:
        value = values.get(key, default)
        if not isinstance(value, str):
            raise UsageError(f"{path}: {key} must be a string, not {value!r}")
        return value

    branches = values.get("branches") or [None]
    if not isinstance(branches, list) or not all(isinstance(branch, str | None) for branch in branches):
        raise UsageError(f"{path}: branches must be a list of branch names, not {branches!r}")
    repo = text("repo", ".")
    is_address = re.match(r"[\w.+-]+(://|@[^/]+:)", repo) is not None
    commit_url = text("show_commit_url", "")
    return AsvConfig(
        path=path,
        project=text("project", path.parent.name),
        repository=None if is_address else path.parent / repo,
        results_dir=path.parent / text("results_dir", "results"),
        branches=tuple(branch or "" for branch in branches),
        commit_url=commit_url if re.match(r"https?://", commit_url) else "",
        benchmark_dir=text("benchmark_dir", "benchmarks"),
    )
