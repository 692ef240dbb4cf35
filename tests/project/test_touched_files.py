"""Which files commits touch, asked of real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tbp.project import touched_files as module
from tbp.project.touched_files import touched

from .test_commits import git

HOSTILE = "bench\nmarks/<b>é 'x\".py"


def commit(folder: Path, files: dict[str, str], day: int, *arguments: str) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(folder, "add", "-A", day=day)
    git(folder, "commit", "--allow-empty", "-q", "-m", "x", *arguments, day=day)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_each_commit_has_the_paths_it_touches(repository: Path):
    root = commit(repository, {"a.py": "1"}, 1)
    one = commit(repository, {"pyproject.toml": "1", HOSTILE: "1"}, 2)
    none = commit(repository, {}, 3)
    renamed = commit(repository, {"a.py": "2", "b.py": "1"}, 4)
    found = touched(repository, [renamed, one, none, root, "f" * 40])
    # The first commit of all would touch everything.
    assert found == {one: (HOSTILE, "pyproject.toml"), none: (), renamed: ("a.py", "b.py")}


def test_a_merge_touches_what_it_brings_to_the_branch(repository: Path):
    commit(repository, {"a.py": "1"}, 1)
    git(repository, "checkout", "-q", "-b", "side")
    commit(repository, {"pyproject.toml": "1"}, 2)
    git(repository, "checkout", "-q", "main")
    commit(repository, {"c.py": "1"}, 3)
    git(repository, "merge", "-q", "--no-ff", "-m", "x", "side", day=4)
    merge = git(repository, "rev-parse", "HEAD")
    assert touched(repository, [merge]) == {merge: ("pyproject.toml",)}


def test_where_a_shallow_clone_ends_nothing_is_said(repository: Path, tmp_path: Path):
    for day in range(1, 4):
        commit(repository, {"pyproject.toml": str(day)}, day)
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "2", f"file://{repository}", str(shallow)], check=True, capture_output=True
    )
    newest, oldest = git(shallow, "rev-list", "HEAD").split()
    assert touched(shallow, [newest, oldest]) == {newest: ("pyproject.toml",)}


def test_without_a_repository_nothing_is_known(tmp_path: Path):
    assert touched(tmp_path, ["f" * 40]) == {}
    assert touched(tmp_path / "none", ["f" * 40]) == {}
    assert touched(tmp_path, []) == {}


def test_only_the_first_commits_are_looked_up(repository: Path, monkeypatch: pytest.MonkeyPatch):
    commit(repository, {"a.py": "1"}, 1)
    one, two = (commit(repository, {"a.py": text}, 2) for text in "23")
    monkeypatch.setattr(module, "MOST_LOOKED_UP", 1)
    assert list(touched(repository, [two, one])) == [two]
