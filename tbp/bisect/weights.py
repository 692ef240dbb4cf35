"""The chance of each commit to be the culprit, before anything is measured: by the files that it touches.

A commit that touches only documents, tests or the suites (which are always those of the working tree) slows nothing
down. It is not left out, as a project may read such a file; it only weighs less, so that the search needs fewer
probes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

# A guess; the number of probes hardly depends on it: at 0.05 twenty such commits weigh as much as another one.
QUIET_WEIGHT = 0.05

_QUIET_ENDS = {".md", ".rst", ".txt", ".png", ".svg", ".jpg", ".ipynb"}
_QUIET_FOLDERS = {"docs", "doc", "tests", "test", ".github", ".gitlab", ".circleci", "examples"}
_QUIET_NAMES = {
    "LICENSE", "COPYING", "AUTHORS", "NOTICE", ".gitignore", ".gitattributes", ".editorconfig", ".gitlab-ci.yml",
    ".pre-commit-config.yaml", ".readthedocs.yaml", "mkdocs.yml", "noxfile.py", "tox.ini",
}  # fmt: skip
# They name what is installed: no document, whatever their ending.
_LOUD_NAMES = ("requirements", "constraints")


def weights(commits: Sequence[str], touched: Mapping[str, Sequence[str]], suites: str) -> tuple[float, ...]:
    """A weight for each of ``commits``; ``suites`` is the folder of the suites in the repository.

    A commit that ``touched`` does not know weighs as much as one that touches code.
    """

    def is_quiet(commit: str) -> bool:
        return commit in touched and all(_is_quiet(PurePosixPath(path), suites) for path in touched[commit])

    return tuple(QUIET_WEIGHT if is_quiet(commit) else 1.0 for commit in commits)


def _is_quiet(path: PurePosixPath, suites: str) -> bool:
    if path.name.startswith(_LOUD_NAMES):
        return False
    return (
        path.suffix in _QUIET_ENDS
        or path.name in _QUIET_NAMES
        or path.parts[0] in _QUIET_FOLDERS
        or (bool(suites) and path.is_relative_to(suites))
    )
