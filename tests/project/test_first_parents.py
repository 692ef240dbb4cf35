"""The line of commits that a bisection searches, in real repositories."""

from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.project.first_parents import first_parents, merged_line
from tbp.project.working_tree import judged

from ..repositories import commit, git, new_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """first – second – merge (of side 1, side 2) – last, where the side left ``first``."""
    folder = new_repository(tmp_path / "thing")
    commit(folder, "first", files={"a": "1"})
    git(folder, "branch", "side")
    commit(folder, "second", files={"a": "2"})
    git(folder, "checkout", "-q", "side")
    commit(folder, "side 1", files={"b": "1"})
    commit(folder, "side 2\u202e", files={"b": "2"})
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "side")
    commit(folder, "last", files={"a": "3"})
    return folder


def line(folder: Path, good: str, bad: str) -> list[str]:
    return [each.subject for each in first_parents(folder, judged(folder, good), judged(folder, bad))]


def test_the_line_follows_first_parents_oldest_first(repository: Path):
    assert line(repository, "main~3", "main") == ["first", "second", "merge", "last"]
    merge = first_parents(repository, judged(repository, "main~3"), judged(repository, "main"))[2]
    assert merge.is_merge
    assert merge.author == "x"


def test_a_good_commit_beside_the_line_is_replaced_by_where_it_left(repository: Path):
    assert line(repository, "side", "main") == line(repository, "side~1", "main")
    assert line(repository, "side~1", "main") == ["first", "second", "merge", "last"]


def test_a_working_tree_is_the_last_commit(repository: Path):
    (repository / "a").write_text("4")
    assert line(repository, "main~1", ".") == ["merge", "last", "the working tree"]


@pytest.mark.parametrize(
    ("good", "bad", "why"),
    [("main", "main", "the same commit"), ("main", "main~1", "is an ancestor of main: name the earlier commit first")],
)
def test_ends_that_no_line_joins_are_refused(repository: Path, good: str, bad: str, why: str):
    with pytest.raises(UsageError, match=why):
        line(repository, good, bad)


def test_a_shallow_clone_is_told_how_to_get_the_rest(repository: Path, tmp_path: Path):
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{repository}", "shallow")
    git(tmp_path / "shallow", "fetch", "-q", "--depth", "1", "origin", git(repository, "rev-parse", "main~3"))
    good = git(repository, "rev-parse", "main~3")
    with pytest.raises(UsageError, match="fetch --unshallow"):
        line(tmp_path / "shallow", good, "HEAD")


def test_what_a_merge_brought_begins_where_it_left_the_line(repository: Path):
    merge = first_parents(repository, judged(repository, "main~3"), judged(repository, "main"))[2]
    both = merged_line(repository, merge)
    assert both is not None
    subjects = [git(repository, "log", "-1", "--format=%s", end.commit) for end in both]
    assert subjects == ["first", "side 2\u202e"]
    assert (
        merged_line(repository, first_parents(repository, *(judged(repository, r) for r in ("main~3", "main")))[1])
        is None
    )
