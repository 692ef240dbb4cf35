"""Faults of an asv.conf.json that can be read: what asv refuses or ignores, folders and branches that are not there.

Takes the configuration, gives each fault with the key that it is about. asv is not imported; git is asked for branches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tbp.project.asv_config import MOST_BYTES, PLUGIN, TYPE, AsvConfig, content_of
from tbp.project.branch import branch_names, resolve
from tbp.project.git import GitFailed, is_shallow
from tbp.project.near_names import near
from tbp.system.bounded import read_plain
from tbp.wording.words import MOST_SHOWN, named, shortened

# Every attribute of asv's ``Config`` (0.6.6), then the keys that it reads without one. asv takes any other key, and
# never looks at it.
ASV_KEYS = (
    "project", "project_url", "repo", "repo_subdir", "branches", "pythons", "matrix", "exclude", "include", "env_dir",
    "benchmark_dir", "results_dir", "html_dir", "show_commit_url", "hash_length", "environment_type", "install_timeout",
    "default_benchmark_timeout", "dvcs", "regressions_first_commits", "regressions_thresholds", "plugins",
    "conda_channels", "conda_environment_file", "build_command", "install_command", "uninstall_command",
    "launch_method", "version", "build_cache_size", "wheel_cache_size",
)  # fmt: skip
MOST_UNKNOWN = 100  # keys that are looked at
MOST_NAMED = 5
MOST_FILES = 1_000  # that are looked into for benchmarks
_BENCHMARK = re.compile(r"^\s*(async )?def (time|timeraw|torchtime|mem|peakmem|track)_", re.MULTILINE)


def config_faults(config: AsvConfig) -> Iterator[tuple[str, str]]:
    """The key and the sentence of each fault; a key that is misspelled is not missed as well."""
    values = content_of(config.path)
    meant = _meant(values)
    for key, known in meant.items():
        yield key, f"asv knows no key {key}, and ignores it; did you mean {known}?"
    for key, text in (*_refused(values), *_missing(config)):
        if key not in meant.values():
            yield key, f"{key}: {text}"


def config_hints(config: AsvConfig) -> Iterator[str]:
    """Sentences on what asv ignores, which somebody may want."""
    values = content_of(config.path)
    meant = _meant(values)
    unknown = [shortened(key, MOST_SHOWN) for key in _unknown(values) if key not in meant]
    if unknown:
        shown = named(unknown, MOST_NAMED)
        yield f"{config.path.name} has {shown}, which asv ignores; leave out what no plugin reads"
    suites = config.path.parent / config.benchmark_dir
    files = [path for path in suites.glob("*/*.py") if not (path.parent / "__init__.py").exists()][:MOST_FILES]
    for folder in sorted({path.parent.name for path in files if _has_benchmarks(path)})[:MOST_NAMED]:
        yield f"{config.benchmark_dir}/{folder} has no __init__.py, so asv looks for no benchmarks there; make one"


def _unknown(values: Mapping[str, object]) -> list[str]:
    return [key for key in values if key not in ASV_KEYS][:MOST_UNKNOWN]


def _meant(values: Mapping[str, object]) -> dict[str, str]:
    """The key of asv that a key is nearly, and that the file lacks, by the one that it has."""
    lacking = [key for key in ASV_KEYS if key not in values]
    return {key: known for key in _unknown(values) if (known := near(key, lacking))}


def _refused(values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Values without which asv (0.6.5 and later) ends, most of them with words that name no remedy."""
    if values.get("version") != 1:
        yield "version", 'asv refuses a file without "version": 1'
    if not values.get("repo"):
        yield "repo", 'asv refuses a file without it; write the path of the repository, such as "."'
    if "branches" in values and not values["branches"]:
        yield "branches", "asv refuses an empty list; name a branch, or leave the key out"
    environment_type, plugins = values.get("environment_type"), values.get("plugins", [])
    if not environment_type and values.get("pythons") != ["same"]:
        yield "environment_type", f'asv measures nothing without it; write "virtualenv", or "{TYPE}" with its plugin'
    if not isinstance(plugins, list):
        yield "plugins", f'it must be a list, such as ["{PLUGIN}"]'
    elif str(environment_type).partition(":")[0] == TYPE and PLUGIN not in plugins:
        yield "plugins", f'asv has the environment_type {TYPE} from a plugin; add "{PLUGIN}", with its first dot'


def _missing(config: AsvConfig) -> Iterator[tuple[str, str]]:
    """Folders and branches that the configuration names, and that are not there."""
    suites, repository = config.path.parent / config.benchmark_dir, config.repository
    if not suites.is_dir():
        yield "benchmark_dir", f"there is no folder {config.benchmark_dir}; make it or name another"
    elif not (suites / "__init__.py").is_file():
        yield "benchmark_dir", f"{config.benchmark_dir} has no __init__.py, and asv refuses it; make an empty one"
    if repository is None:
        return
    if not repository.exists():
        yield "repo", f"there is no folder {repository}; name that of the clone"
        return
    try:
        yield from (("branches", text) for text in _missing_branches(repository, config.branches))
    except GitFailed as failed:  # of other failures the verbs tell, which need not be the project's
        if "not a git repository" in str(failed):
            yield "repo", f"{repository} is in no git repository; name that of the clone, or run `git init` there"


def _missing_branches(repository: Path, branches: tuple[str, ...]) -> Iterator[str]:
    known = branch_names(repository)
    # The clone that a job of CI makes has few branches or none, whatever the project has.
    if not known or is_shallow(repository):
        return
    for branch in branches:
        if branch and branch not in known and not resolve(repository, branch):
            likely = near(branch, known)
            remedy = f"did you mean {likely}?" if likely else f"it has {named(known, MOST_NAMED)}"
            yield f"the repository has no branch {branch}; {remedy}"


def _has_benchmarks(path: Path) -> bool:
    try:
        return _BENCHMARK.search(read_plain(path, MOST_BYTES).decode("utf-8", "replace")) is not None
    except OSError:
        return False
