"""Which branch the series follow, in real repositories."""

from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.project.branch import Branch, branch_of, first_parents
from tbp.project.git import GitFailed

from ..repositories import NO_CONFIGURATION, commit, git, new_repository


@pytest.fixture(autouse=True)
def no_configuration_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NO_CONFIGURATION.items():
        monkeypatch.setenv(name, value)


def repository(folder: Path, branch: str) -> Path:
    commit(new_repository(folder, branch), "one")
    return folder


def clone(origin: Path, *options: str) -> Path:
    folder = origin.with_name("clone")
    git(origin, "clone", "-q", *options, str(origin), str(folder))
    return folder


@pytest.mark.parametrize("checked_out", ["another", "orphan", "detached"])
def test_the_branch_does_not_depend_on_what_is_checked_out(tmp_path: Path, checked_out: str):
    folder = repository(tmp_path / "r", "main")
    newest = commit(folder, "two")
    if checked_out == "another":
        git(folder, "checkout", "-q", "-b", "work")
    else:
        git(folder, "checkout", "-q", *(["--orphan", "work"] if checked_out == "orphan" else ["HEAD~1"]))
    if checked_out != "detached":
        commit(folder, "three")
    assert branch_of(folder, "main") == branch_of(folder) == Branch("main", newest)


def test_a_branch_that_only_origin_has_is_that_one(tmp_path: Path):
    origin = repository(tmp_path / "r", "main")
    git(origin, "checkout", "-q", "-b", "dev")
    newest = commit(origin, "two")
    git(origin, "checkout", "-q", "main")
    assert branch_of(clone(origin), "dev") == Branch("dev", newest)


def test_a_branch_behind_origin_is_as_origin_has_it_and_one_ahead_is_not(tmp_path: Path):
    origin = repository(tmp_path / "r", "main")
    folder = clone(origin)
    newest = commit(origin, "two")
    git(folder, "fetch", "-q")
    assert branch_of(folder, "main") == Branch("main", newest)
    ahead = commit(folder, "mine")
    assert branch_of(folder, "main") == Branch("main", ahead)


@pytest.mark.parametrize("name", ["trunk", "release/2.0"])
def test_the_default_branch_is_the_one_of_origin(tmp_path: Path, name: str):
    origin = repository(tmp_path / "r", name)
    newest = git(origin, "rev-parse", "HEAD")
    folder = clone(origin)
    git(folder, "checkout", "-q", "-b", "main")
    commit(folder, "two")
    assert branch_of(folder) == Branch(name, newest)


def test_the_default_branch_of_a_bare_repository_is_its_head(tmp_path: Path):
    origin = repository(tmp_path / "r", "trunk")
    git(origin, "branch", "main")
    newest = commit(origin, "two")
    assert branch_of(clone(origin, "--bare")) == Branch("trunk", newest)


def test_without_origin_it_is_what_git_calls_new_ones_then_main_then_master_then_what_is_checked_out(tmp_path: Path):
    folder = repository(tmp_path / "r", "work")
    assert branch_of(folder).name == "work"
    git(folder, "branch", "master")
    assert branch_of(folder).name == "master"
    git(folder, "branch", "main")
    assert branch_of(folder).name == "main"
    git(folder, "branch", "trunk")
    git(folder, "config", "init.defaultBranch", "trunk")
    assert branch_of(folder).name == "trunk"


def test_a_detached_head_alone_is_the_line_that_ends_there(tmp_path: Path):
    folder = repository(tmp_path / "r", "work")
    newest = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "-q", "--detach")
    git(folder, "branch", "-q", "-D", "work")
    assert branch_of(folder) == Branch("HEAD", newest)


def test_a_branch_wins_over_a_tag_of_its_name(tmp_path: Path):
    folder = repository(tmp_path / "r", "main")
    git(folder, "tag", "main")
    newest = commit(folder, "two")
    assert branch_of(folder, "main") == Branch("main", newest)


def test_any_revision_is_the_line_that_ends_there(tmp_path: Path):
    folder = repository(tmp_path / "r", "main")
    old = git(folder, "rev-parse", "HEAD")
    git(folder, "tag", "v1", old)
    commit(folder, "two")
    assert branch_of(folder, "v1") == Branch("v1", old)
    assert branch_of(folder, old[:10]) == Branch(old[:10], old)


def test_the_error_for_a_missing_branch_names_what_to_do(tmp_path: Path):
    folder = repository(tmp_path / "r", "main")
    with pytest.raises(UsageError) as raised:
        branch_of(folder, "develop")
    assert str(raised.value) == (
        f"the repository {folder} has no branch develop for the series to follow. Run `git fetch origin "
        "develop:develop` in it, correct `branches` in asv.conf.json, or name a branch with --branch. It has main."
    )


def test_a_repository_without_a_commit_has_no_branch(tmp_path: Path):
    git(tmp_path, "init", "-q")
    with pytest.raises(GitFailed, match="no commit"):
        branch_of(tmp_path, "main")


def test_first_parents_leave_out_what_was_merged(tmp_path: Path):
    folder = repository(tmp_path / "r", "main")
    one = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "-q", "-b", "feature")
    commit(folder, "two")
    git(folder, "checkout", "-q", "main")
    three = commit(folder, "three")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "feature")
    merge = git(folder, "rev-parse", "HEAD")
    assert first_parents(folder, branch_of(folder)) == [merge, three, one]


@pytest.mark.parametrize("name", ["a\u2028b", "a\u2029b", "a\x85b", "\u202eevil", "é\u2028", "x\u2028refs/heads/main"])
def test_a_branch_may_have_any_name_that_git_takes(tmp_path: Path, name: str):
    new_repository(tmp_path)
    tip = commit(tmp_path, "one")
    git(tmp_path, "branch", name)
    assert branch_of(tmp_path) == Branch("main", tip)
    assert branch_of(tmp_path, name) == Branch(name, tip)
