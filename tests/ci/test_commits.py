"""The two commits of a change, in real clones as CI systems make them."""

from pathlib import Path

import pytest

from tbp.ci.change import JobChange
from tbp.ci.commits import commits_of, named_commits
from tbp.errors import UsageError

from ..repositories import commit, git, new_repository


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """main: first, later; topic left after first; the branch merge has both, as GitHub's refs/pull/N/merge."""
    folder = new_repository(tmp_path / "upstream")
    commit(folder, "first")
    git(folder, "checkout", "-qb", "topic")
    commit(folder, "topic")
    git(folder, "checkout", "-q", "main")
    commit(folder, "later")
    git(folder, "checkout", "-qb", "merge")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    return folder


def clone(upstream: Path, branch: str, depth: int) -> Path:
    folder = upstream.parent / f"{branch}-{depth}"
    git(upstream.parent, "clone", "-q", f"--depth={depth}", "-b", branch, f"file://{upstream}", str(folder))
    return folder


def test_of_a_merge_the_base_is_its_first_parent_in_a_clone_of_two_commits(upstream: Path):
    job = clone(upstream, "merge", 2)
    change = JobChange(git(upstream, "rev-parse", "topic"), "main", "#17", git(upstream, "rev-parse", "merge"))
    baseline, contender = commits_of(job, change)
    assert (baseline.commit, baseline.revision) == (git(upstream, "rev-parse", "main"), "main")
    assert (contender.subject, contender.revision) == ("merge", "#17")


def test_of_a_branch_the_base_is_where_it_left(upstream: Path):
    git(upstream, "checkout", "-q", "topic")
    change = JobChange(git(upstream, "rev-parse", "main"), "main", "!5", "c" * 40)
    baseline, contender = commits_of(upstream, change)
    assert (baseline.subject, baseline.revision) == ("first", "merge base of main and !5")
    assert contender.subject == "topic"


def test_a_branch_that_ends_with_a_merge_of_its_own_is_no_merge_of_the_ci_system(upstream: Path):
    git(upstream, "checkout", "-q", "merge")
    change = JobChange(git(upstream, "rev-parse", "main~1"), "main", "#17", "c" * 40)
    assert commits_of(upstream, change)[0].subject == "first"


def test_a_clone_that_lacks_the_base_says_how_to_check_out(upstream: Path):
    job = clone(upstream, "topic", 1)
    with pytest.raises(UsageError, match=r"lacks the base .*fetch-depth: 0"):
        commits_of(job, JobChange(git(upstream, "rev-parse", "main"), "main"))


def test_commits_that_a_workflow_names_are_compared_from_where_they_part(upstream: Path):
    baseline, contender = named_commits(upstream, "main", "topic")
    assert (baseline.subject, contender.subject) == ("first", "topic")
