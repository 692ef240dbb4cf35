"""Workflow files for GitHub and GitLab: every night, and on every pull or merge request.

The templates lie in ``github`` and ``gitlab``; ``[[ name ]]`` in them is filled in, as ``${{ }}`` is GitHub's. Whatever
comes from the repository is a JSON string there, which is YAML as well, or has been checked to need none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tbp.scaffold.files import Proposal
from tbp.scaffold.package import SourcePackage
from tbp.scaffold.surroundings import Surroundings

HERE = Path(__file__).parent
GITLAB_MAIN = ".gitlab-ci.yml"
GITLAB_INCLUDE = "include:\n  - local: .gitlab/tbp.yml\n"
# A folder whose name needs no quoting in YAML and in a shell.
_PLAIN_PATH = re.compile(r"[\w./-]+")


class Workflows(Struct, frozen=True):
    """The sites that workflow files are wanted for."""

    github: bool = False
    gitlab: bool = False


def workflow_files(
    around: Surroundings, package: SourcePackage | None, wanted: Workflows, home: Path
) -> Sequence[Proposal]:
    """The workflow files of ``wanted``; ``home`` is the folder of asv.conf.json."""
    values = _values(around, package, home)
    listed = []
    if wanted.github:
        for template in sorted((HERE / "github").glob("*.yml")):
            text = filled(template, values)
            path = around.top / ".github" / "workflows" / template.name
            listed.append(_file(path, text, "a workflow of GitHub"))
    if wanted.gitlab:
        listed.append(
            _file(around.top / ".gitlab" / "tbp.yml", filled(HERE / "gitlab" / "tbp.yml", values), "jobs of GitLab")
        )
        if not (around.top / GITLAB_MAIN).exists():
            listed.append(_file(around.top / GITLAB_MAIN, GITLAB_INCLUDE, "includes them"))
    return listed


def includes_jobs(top: Path) -> bool:
    """True where .gitlab-ci.yml names tbp's file, or can be made to."""
    path = top / GITLAB_MAIN
    return not path.exists() or ".gitlab/tbp.yml" in path.read_text(encoding="utf-8", errors="replace")


def filled(template: Path, values: dict[str, object]) -> str:
    """The template with ``values`` in it. Raises jinja2.UndefinedError for a name that they lack."""
    from jinja2 import Environment, StrictUndefined

    engine = Environment(
        variable_start_string="[[", variable_end_string="]]", block_start_string="[%", block_end_string="%]",
        comment_start_string="[#", comment_end_string="#]", undefined=StrictUndefined, keep_trailing_newline=True,
        trim_blocks=True, lstrip_blocks=True, autoescape=False,
    )  # fmt: skip
    return engine.from_string(template.read_text(encoding="utf-8")).render(values)


def _values(around: Surroundings, package: SourcePackage | None, home: Path) -> dict[str, object]:
    folder = home.relative_to(around.top).as_posix()
    uses_torch = package is not None and package.uses_torch
    return {
        "branch": json.dumps(around.branch),
        "folder": folder if _PLAIN_PATH.fullmatch(folder) else json.dumps(folder),
        "tbp": "tbp-perf[bench]" if uses_torch else "tbp-perf",
        "others": "" if uses_torch else " asv virtualenv",
        "has_package": package is not None,
    }


def _file(path: Path, text: str, purpose: str) -> Proposal:
    return Proposal(path, lambda _: text, purpose=purpose)
