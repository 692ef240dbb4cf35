"""asv.conf.json: the few keys tbp reads, without importing asv.

Takes the file's path, gives an ``AsvConfig`` with absolute folders. The file is JSON5, as asv 0.6 reads it. The
other keys are left to asv.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from tbp.errors import UsageError
from tbp.system.bounded import TooSlow, limited_to, read_plain
from tbp.system.python_text import encodable
from tbp.wording.words import MOST_SHOWN, shortened, value_text

DEFAULT_NAMES = ("asv.conf.json", "asv.conf.jsonc")  # the names that asv 0.6.6 looks for
ACKS = Path("reports", "acks.toml")  # in the folder of asv.conf.json; without one, in the current folder
TYPE = "tbp"  # of asv's environments
PLUGIN = ".tbp.asv.environment"  # has it; without the first dot asv looks among its own plugins, and says nothing
MOST_BYTES = 1_000_000
MOST_TEXT = 2_000  # characters of a text; no path may be much longer
# Of the processor. The parser, which is asv's, takes 0.3 s for 10 kB and for longer texts the square of it: a string of
# 40 kB that nobody closed took it 20 s.
MOST_CPU_S = 5.0


# Of asv's keys, those that choose its environments.
ENVIRONMENT_KEYS = (
    "environment_type", "pythons", "matrix", "include", "exclude", "conda_channels", "conda_environment_file",
    "install_command", "build_command",
)  # fmt: skip


class AsvConfig(Struct, frozen=True):
    """The part of asv.conf.json that tbp needs."""

    path: Path
    project: str
    repository: Path | None  # None where ``repo`` is a URL
    results_dir: Path
    branches: tuple[str, ...]  # at least one; "" is the repository's default branch
    commit_url: str  # ``show_commit_url`` where it is a web address, else ""
    benchmark_dir: str = "benchmarks"  # relative to the file
    env_dir: Path = Path("env")
    environments: str = ""  # a digest of ENVIRONMENT_KEYS: two files with the same measure in the same environments

    @property
    def branch(self) -> str:
        """The branch whose first parents the series follow; "" is the repository's default branch."""
        return self.branches[0]

    @property
    def policy_file(self) -> Path:
        """The file that ``tbp.project.policy`` reads."""
        return self.path.parent / "pyproject.toml"

    @property
    def acks_file(self) -> Path:
        """The file that ``tbp.project.acknowledgements`` reads."""
        return self.path.parent / ACKS

    @property
    def local_repository(self) -> Path:
        """The project's repository on this machine. Raises UsageError where ``repo`` is an address."""
        if self.repository is None:
            raise UsageError(
                f"{self.path}: repo is an address, and this command needs a local clone: set repo to its folder"
            )
        return self.repository


class OfProject(Protocol):
    """Results that are in no folder here, and know which project they are of."""

    @property
    def project(self) -> str: ...

    @property
    def folder(self) -> Path: ...  # where they were, or would be


def own_config(config: AsvConfig | None, results: Path | OfProject | None) -> AsvConfig | None:
    """``config`` where ``results`` are in its results folder or of its project; else None: they have other commits."""
    if config is None or results is None:
        return config
    if isinstance(results, Path):
        return config if is_same_folder(results, config.results_dir) else None
    return config if results.project == config.project else None


def is_same_folder(one_dir: Path, other_dir: Path) -> bool:
    """True of two paths of one folder, whether relative or through links."""
    return resolved(one_dir) == resolved(other_dir)


def resolved(path: Path) -> Path:
    """``path`` without links and dots; where links lead in a circle, the absolute path."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a null
        return path.absolute()


def results_folder(config: AsvConfig | None, results: Path | OfProject | None) -> Path:
    """``results``, or else the results folder of ``config``."""
    if results is None:
        return config.results_dir if config is not None else Path()
    return results if isinstance(results, Path) else results.folder


def default_path() -> Path | None:
    """The path of the configuration in this folder, None without one. Raises UsageError where there are two."""
    paths = [Path(name) for name in DEFAULT_NAMES if Path(name).exists()]
    if len(paths) > 1:
        raise UsageError(f"this folder has both {' and '.join(DEFAULT_NAMES)}: name one with --config")
    return paths[0] if paths else None


def required_path(path: Path | None) -> Path:
    """``path``, or else that of the configuration in this folder. Raises UsageError without both."""
    path = path or default_path()
    if path is None:
        raise UsageError(_nowhere("name the file with --config"))
    return path


def configuration(config: Path | None, results_dir: Path | OfProject | None, branch: str = "") -> AsvConfig | None:
    """The configuration at ``config``, else the one in this folder; None without both where ``results_dir`` is given.

    ``branch`` replaces the first branch of the file, unless it is empty.

    Raises:
        UsageError: the file cannot be read, or there is neither a configuration nor a results folder.
    """
    path = config or default_path()
    if path is not None:
        return read_config(path, branch)
    if results_dir is None:
        raise UsageError(_nowhere("name the file with --config (or the results with --results)"))
    if branch:
        raise UsageError(f"--branch {branch} needs the repository: name its asv.conf.json with --config")
    return None


def read_config(path: Path | None = None, branch: str = "") -> AsvConfig:
    """The configuration at ``path``, or else the one in this folder; ``branch`` replaces its first branch.

    Raises:
        UsageError: there is no such file, or it cannot be read.
    """
    path = required_path(path)
    config = _checked(path.resolve(), content_of(path))
    if not branch:
        return config
    _ = config.local_repository  # raises where there is no clone that could have the branch
    return replace(config, branches=(branch, *config.branches))


def _nowhere(named: str) -> str:
    """A sentence on a folder without a configuration; ``named`` is how the verb takes one from elsewhere."""
    return f"this folder has no {DEFAULT_NAMES[0]}: run tbp in the folder that has it, {named}, or run `tbp init`"


def content_of(path: Path) -> dict[str, object]:
    """All keys of the file with their values. Raises UsageError where it cannot be read."""
    try:
        text = read_plain(path, MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}; name a file that tbp can read") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from None
    return _values(path, text)


@lru_cache(maxsize=1)
def _values(path: Path, text: str) -> dict[str, object]:
    """The object that ``text`` is. Whoever looks for the configuration of a results folder asks twice for the same."""
    import json5  # here, as a report of results from elsewhere needs no configuration

    try:
        with limited_to(MOST_CPU_S):
            values = json5.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _reason(str(error))
        raise UsageError(f"{path} is no JSON5, as asv reads it: {reason}; correct it there") from None
    except TooSlow:
        reason = f"it took more than {MOST_CPU_S:g} s to read; is a string or a bracket in it not closed?"
        raise UsageError(f"{path} is no JSON5, as asv reads it: {reason}") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path} must hold a JSON object with asv's keys, not a {type(values).__name__}")
    return values


def _reason(message: str) -> str:
    """The parser's message as a phrase: it tells where something stands that cannot, and seldom what is wrong there."""
    misfit = re.fullmatch(r'<string>:(\d+) Unexpected (?:"(.)"|(end of input)) at column (\d+)', message, re.DOTALL)
    if misfit is None:
        return message.replace("<string>:", "line ")
    line, character, end, column = misfit.groups()
    where = f"unexpected {end or repr(character)} in line {line}, column {column}"
    return f"{where} (is a comma, quote or bracket missing before it?)"


def _checked(path: Path, values: dict[str, object]) -> AsvConfig:
    def text(key: str, default: str) -> str:
        value = values.get(key, default)
        if not isinstance(value, str):
            raise UsageError(f"{path}: {key} must be a string, not {value_text(value)}")
        return usable(key, value)

    def usable(key: str, value: str) -> str:
        if len(value) > MOST_TEXT or "\0" in value or encodable(value) != value:
            shown = shortened(ascii(value), MOST_SHOWN)
            raise UsageError(f"{path}: {key} must be of at most {MOST_TEXT:,} whole characters, none a null: {shown}")
        return value

    branches = values.get("branches") or [None]
    if not isinstance(branches, list) or not all(isinstance(branch, str | None) for branch in branches):
        raise UsageError(f"{path}: branches must be a list of branch names, not {value_text(branches)}")
    repo = text("repo", ".")
    is_address = re.match(r"[\w.+-]+(://|@[^/]+:)", repo) is not None
    commit_url = text("show_commit_url", "")
    return AsvConfig(
        path=path,
        project=text("project", path.parent.name),
        repository=None if is_address else path.parent / repo,
        results_dir=path.parent / text("results_dir", "results"),
        branches=tuple(usable("branches", branch or "") for branch in branches),
        commit_url=commit_url if re.match(r"https?://", commit_url) else "",
        benchmark_dir=text("benchmark_dir", "benchmarks"),
        env_dir=path.parent / text("env_dir", "env"),
        environments=_digest({key: values[key] for key in ENVIRONMENT_KEYS if key in values}),
    )


def _digest(values: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
