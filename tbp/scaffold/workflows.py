"""Workflow files for GitHub and GitLab: every night, and on every pull or merge request.

The ``templates`` are those files with names like ``@BRANCH@`` to fill in. Whatever of it comes from the repository is a
JSON string, which is YAML as well. A project in a sub-folder has its commands run there.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from msgspec import Struct

from tbp import __version__
from tbp.errors import UsageError
from tbp.scaffold.files import Proposal
from tbp.scaffold.package import SourcePackage
from tbp.scaffold.surroundings import Surroundings
from tbp.wording.words import value_text

TEMPLATES = Path(__file__).with_name("templates")
# The template → its file in a repository.
GITHUB = {
    "github-nightly.yml": ".github/workflows/tbp-nightly.yml",
    "github-gate.yml": ".github/workflows/tbp-gate.yml",
    "github-comment.yml": ".github/workflows/tbp-comment.yml",
}
GITLAB = {"gitlab.yml": ".gitlab/tbp.yml"}
GITLAB_MAIN = ".gitlab-ci.yml"
GITLAB_INCLUDE = "include:\n  - local: .gitlab/tbp.yml\n"

# Folders: nothing in them that YAML, a shell or an expression of GitHub could read.
_PLAIN = re.compile(r"[\w./@+=, -]+")
_PLACEHOLDER = re.compile(r"@([A-Z_]+)@")
# An address that needs no quoting in YAML and in a shell, and holds no password.
_ADDRESS = re.compile(r"https://[\w.-]+(/[\w.~-]+)+")
_HASH = re.compile(r"[0-9a-f]{40}")


class Workflows(Struct, frozen=True):
    """The sites that workflow files are wanted for."""

    github: bool = False
    gitlab: bool = False


def workflow_files(
    around: Surroundings, package: SourcePackage | None, wanted: Workflows, home: Path
) -> Sequence[Proposal]:
    """The workflow files of ``wanted``; ``home`` is the folder of asv.conf.json.

    Raises UsageError where the folder has a name that a workflow must not have in it.
    """
    folder = home.relative_to(around.top).as_posix()
    if (wanted.github or wanted.gitlab) and not _PLAIN.fullmatch(folder):
        raise UsageError(f"cannot name {value_text(folder)} in a workflow: rename it, or write the workflows yourself")
    values = _values(package, folder)
    listed = []
    if wanted.github:
        listed += [
            _file(around.top / path, in_folder(filled(TEMPLATES / name, values), folder), "a workflow of GitHub")
            for name, path in GITHUB.items()
        ]
    if wanted.gitlab:
        listed += [
            _file(around.top / path, filled(TEMPLATES / name, values), "jobs of GitLab")
            for name, path in GITLAB.items()
        ]
        if not (around.top / GITLAB_MAIN).exists():
            listed.append(_file(around.top / GITLAB_MAIN, GITLAB_INCLUDE, "includes them"))
    return listed


def includes_jobs(top: Path) -> bool:
    """False where there is a .gitlab-ci.yml, and it does not name tbp's file."""
    path = top / GITLAB_MAIN
    return not path.exists() or GITLAB["gitlab.yml"] in path.read_text(encoding="utf-8", errors="replace")


def filled(template: Path, values: Mapping[str, str]) -> str:
    """The template with ``values`` in it. Raises KeyError for a name that they lack."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template.read_text(encoding="utf-8"))


def in_folder(workflow: str, folder: str) -> str:
    """A workflow of GitHub whose jobs run in ``folder``, and whose files lie there: ``.`` is the top.

    A job that checks nothing out has no such folder, and stays as it is.
    """
    head, *jobs = re.split(r"^(?=  [\w-]+:\n)", workflow.partition("\njobs:\n")[2], flags=re.MULTILINE)
    if folder == ".":
        return workflow
    begin = workflow.partition("\njobs:\n")[0] + "\njobs:\n" + head
    return begin + "".join(_job_in(job, folder) if "actions/checkout@" in job else job for job in jobs)


def _job_in(job: str, folder: str) -> str:
    defaults = f"    defaults:\n      run:\n        working-directory: {_quoted(folder)}\n    steps:\n"

    def below(match: re.Match[str]) -> str:
        return match[1] + _quoted(f"{folder}/{match[2]}")

    return re.sub(r"^(\s+path: )(\S+)$", below, job, flags=re.MULTILINE).replace("    steps:\n", defaults, 1)


def requirement(extra: str = "") -> str:
    """tbp for pip, as it is installed here: the commit of the address it came from, or its version by name.

    It runs in jobs that may write, so no newer one comes by itself.
    """
    name = f"tbp-perf[{extra}]" if extra else "tbp-perf"
    source = _source()
    commit = source.get("vcs_info", {}).get("commit_id", "")
    is_git = _ADDRESS.fullmatch(str(source.get("url"))) and _HASH.fullmatch(str(commit))
    return f"{name} @ git+{source['url']}@{commit}" if is_git else f"{name}=={__version__}"


def pinned(tbp: str) -> list[str]:
    """The requirements of a job that may write, each in one version, with ``tbp`` where it needs no building."""
    files = ["requirements.txt", "build-requirements.txt"] if _is_built(tbp) else ["requirements.txt"]
    lines = [line for name in files for line in (TEMPLATES / name).read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line[:1] != "#"] + ([] if _is_built(tbp) else [tbp])


def install_alone(tbp: str) -> str:
    """The command that installs tbp, and nothing that is not in PINNED: neither as a dependency nor to build it."""
    pins = """printf '%s' "$PINNED" | python -P -m pip install --no-deps '--only-binary=:all:' -r /dev/stdin"""
    return f"{pins} && python -P -m pip install --no-deps --no-build-isolation '{tbp}'" if _is_built(tbp) else pins


def _is_built(tbp: str) -> bool:
    return "==" not in tbp


def _quoted(text: str) -> str:
    """``text`` in YAML. Its letters stay: one beyond 65,535 is two numbers in JSON, and two letters in YAML."""
    return json.dumps(text, ensure_ascii=False)


def _block(lines: Iterable[str]) -> str:
    """A text of ``lines`` in YAML, in whichever mapping."""
    return "|" + "".join(f"\n      {line}" for line in lines)


def is_name_alone() -> bool:
    """True where workflows install tbp by a name that it did not come by: somebody else's may be called so there."""
    return bool(_source()) and "@" not in requirement()


def _source() -> dict[str, Any]:
    """The address that tbp was installed from; empty where it came by its name."""
    try:
        source = json.loads(distribution("tbp-perf").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return {}
    return source if isinstance(source, dict) else {}


def _values(package: SourcePackage | None, folder: str) -> dict[str, str]:
    uses_torch = package is not None and package.uses_torch
    tbp = requirement("bench" if uses_torch else "asv")
    return {
        "INSTALL": f"python -m pip install '{tbp}'{' .' if package is not None else ''}",
        "INSTALL_ALONE": install_alone(requirement()),
        "PINNED": _block(pinned(requirement())),
        "FOLDER": shlex.quote(f"./{folder}"),  # never an option
        "PREFIX": "" if folder == "." else _quoted(f"{folder}/")[1:-1],
    }


def _file(path: Path, text: str, purpose: str) -> Proposal:
    return Proposal(path, lambda _: text, purpose=purpose)
