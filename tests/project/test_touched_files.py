"""Which files commits touch, asked of real repositories."""

from pathlib import Path

import pytest

from tbp.project import touched_files as module
from tbp.project.touched_files import touched

from ..repositories import commit, git, new_repository

HOSTILE = "bench\nmarks/<b>é 'x\".py"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "repository")


def test_each_commit_has_the_paths_it_touches(repository: Path):
    root = commit(repository, "x", 1, {"a.py": "1"})
    one = commit(repository, "x", 2, {"pyproject.toml": "1", HOSTILE: "1"})
    none = commit(repository, "x", 3, {})
    renamed = commit(repository, "x", 4, {"a.py": "2", "b.py": "1"})
    found = touched(repository, [renamed, one, none, root, "f" * 40])
    # The first commit of all would touch everything.
    assert found == {one: (HOSTILE, "pyproject.toml"), none: (), renamed: ("a.py", "b.py")}


def test_a_moved_file_is_touched_where_it_was_and_where_it_is(repository: Path):
    commit(repository, "x", 1, {"old.py": "one\ntwo\nthree\n"})
    git(repository, "mv", "old.py", "new.py")
    moved = commit(repository, "x", 2, {})
    assert touched(repository, [moved]) == {moved: ("new.py", "old.py")}


def test_a_merge_touches_what_it_brings_to_the_branch(repository: Path):
    commit(repository, "x", 1, {"a.py": "1"})
    git(repository, "checkout", "-q", "-b", "side")
    commit(repository, "x", 2, {"pyproject.toml": "1"})
    git(repository, "checkout", "-q", "main")
    commit(repository, "x", 3, {"c.py": "1"})
    git(repository, "merge", "-q", "--no-ff", "-m", "x", "side", day=4)
    merge = git(repository, "rev-parse", "HEAD")
    assert touched(repository, [merge]) == {merge: ("pyproject.toml",)}


def test_where_a_shallow_clone_ends_nothing_is_said(repository: Path, tmp_path: Path):
    for day in range(1, 4):
        commit(repository, "x", day, {"pyproject.toml": str(day)})
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{repository}", str(shallow))
    newest, oldest = git(shallow, "rev-list", "HEAD").split()
    assert touched(shallow, [newest, oldest]) == {newest: ("pyproject.toml",)}


def test_without_a_repository_nothing_is_known(tmp_path: Path):
    assert touched(tmp_path, ["f" * 40]) == {}
    assert touched(tmp_path / "none", ["f" * 40]) == {}
    assert touched(tmp_path, []) == {}


def test_only_the_first_commits_are_looked_up(repository: Path, monkeypatch: pytest.MonkeyPatch):
    commit(repository, "x", 1, {"a.py": "1"})
    one, two = (commit(repository, "x", 2, {"a.py": text}) for text in "23")
    monkeypatch.setattr(module, "MOST_LOOKED_UP", 1)
    assert list(touched(repository, [two, one])) == [two]
