"""The files of a commit, written to a folder of their own, without a trace in the repository.

git writes them with an index of their own, so that neither the user's index nor a list of work trees knows of them.
"""

from __future__ import annotations

from pathlib import Path

from tbp.errors import UnreadableInput
from tbp.model.series import short_hash
from tbp.project.git import GitFailed, git


def write_files(repository: Path, commit: str, folder: Path) -> None:
    """Write the files of ``commit`` into ``folder``, which is new. Raises UnreadableInput."""
    folder.mkdir(parents=True)
    index = {"GIT_INDEX_FILE": str(folder.parent / f"{folder.name}.index")}
    try:
        git(repository, "read-tree", commit, variables=index)
        git(repository, "checkout-index", "--all", f"--prefix={folder}/", variables=index)
    except GitFailed as failed:
        raise UnreadableInput(f"the files of {short_hash(commit)} cannot be written: {failed}") from None
