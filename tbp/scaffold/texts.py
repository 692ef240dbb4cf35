"""The texts of the files that a project gets, each made of the text that it has: configuration, policy, git's ignores.

Names come from strangers' metadata, so each is written as a JSON string. Nothing that is there is rewritten: lines are
added at the end, with the line ends of the rest.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tbp.errors import UsageError
from tbp.project.asv_config import PLUGIN, TYPE
from tbp.scaffold.package import SourcePackage
from tbp.scaffold.surroundings import Surroundings

IGNORED = (".asv/", "reports/site/")
"""Folders that tbp fills: asv's results and environments, and the report."""

POLICY = """
[tool.tbp] # how tbp judges; `tbp init` made this table, and all settings have defaults
paired_budget = 10 # minutes in which `tbp nightly` measures new commits in turns with earlier ones
"""


def configuration_text(around: Surroundings, package: SourcePackage, benchmark_dir: str, is_for_torch: bool) -> str:
    """asv.conf.json for a project that has none."""
    depth = len(Path(around.subfolder).parts)
    values: dict[str, object] = {
        "version": 1,
        "project": package.distribution or package.name,
        "repo": "/".join([".."] * depth) or ".",
        "branches": [around.branch],
    }
    if around.subfolder:
        values["repo_subdir"] = around.subfolder
    if around.web:
        middle = "/-/commit/" if "gitlab" in around.web else "/commit/"
        values["show_commit_url"] = f"{around.web}{middle}"
    if package.is_compiled:
        values["environment_type"] = "virtualenv"
    else:
        # The commit from its checkout, everything else from the Python that runs asv: nothing is built.
        values |= {"plugins": [PLUGIN], "environment_type": TYPE}
    if is_for_torch:
        values |= {"launch_method": "forkserver", "default_benchmark_timeout": 300}
    values |= {
        "benchmark_dir": benchmark_dir,
        "env_dir": ".asv/env",
        "results_dir": ".asv/results",
        "html_dir": ".asv/html",
    }
    lines = [f"    {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def with_policy(text: str, path: Path) -> str:
    """``text``, a pyproject.toml, with a table [tool.tbp]; as it is where it has one.

    Raises UsageError where the file is no TOML, or where the table cannot be added at its end.
    """
    before = _toml(text, path)
    tools = before.get("tool", {})
    if isinstance(tools, dict) and "tbp" in tools:
        return text
    added = _with_lines(text, POLICY)
    after = _toml(added, path, "its tables allow no [tool.tbp] at the end: write `tool.tbp` as the rest of `tool` is")
    if {**tools, "tbp": after["tool"]["tbp"]} != after["tool"]:
        raise UsageError(f"cannot add [tool.tbp] to {path}: add it yourself, and run `tbp init` again")
    return added


def _toml(text: str, path: Path, advice: str = "correct the file") -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"cannot add [tool.tbp] to {path}: {error}; {advice}") from None


def with_ignored(text: str, folders: Sequence[str]) -> str:
    """``text``, a .gitignore, with those of ``folders`` that it lacks."""
    present = {line.strip().strip("/") for line in text.splitlines()}
    missing = [folder for folder in folders if folder.strip("/") not in present]
    if not missing:
        return text
    return _with_lines(text, "\n# what asv and tbp make\n" + "".join(f"{folder}\n" for folder in missing))


def _with_lines(text: str, lines: str) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += end
    return text + (lines if text else lines.removeprefix("\n")).replace("\n", end)
