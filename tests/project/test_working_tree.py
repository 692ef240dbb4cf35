"""The working tree as a commit that no branch knows, over real repositories."""

import subprocess
from pathlib import Path

import pytest

from tbp.errors import UnreadableInput, UsageError
from tbp.project.working_tree import judged, left_from

from ..repositories import commit, git, new_repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit of ``kept``, ``gone`` and a rule to ignore ``*.log``."""
    files = {"kept": "1\n", "gone": "2\n", ".gitignore": "*.log\n"}
    commit(new_repository(tmp_path), "the first", files=files)
    return tmp_path


def files(repository: Path, commit: str) -> dict[str, str]:
    """Mode by name."""
    rows = (line.split() for line in git(repository, "ls-tree", "-r", commit).splitlines())
    return {name: mode for mode, _, _, name in rows}


PLAIN, EXECUTABLE, LINK = "100644", "100755", "120000"


def test_a_clean_tree_is_head(repository: Path):
    found = judged(repository, ".")
    assert (found.revision, found.commit, found.subject) == (".", git(repository, "rev-parse", "HEAD"), "the first")


def test_a_revision_is_its_commit(repository: Path):
    found = judged(repository, "main")
    assert (found.revision, found.commit, found.subject) == ("main", git(repository, "rev-parse", "HEAD"), "the first")


def test_what_is_ignored_alone_changes_nothing(repository: Path):
    (repository / "run.log").write_text("noise")
    assert judged(repository, ".").commit == git(repository, "rev-parse", "HEAD")


def test_a_snapshot_has_every_file_as_it_is_now(repository: Path):
    """Changed, new, new and staged, deleted, executable, a link, in a folder; not what is ignored."""
    (repository / "kept").write_text("changed\n")
    (repository / "kept").chmod(0o755)
    (repository / "gone").unlink()
    (repository / "folder").mkdir()
    (repository / "folder" / "new").write_text("3\n")
    (repository / "staged").write_text("4\n")
    git(repository, "add", "staged")
    (repository / "staged").write_text("5\n")
    (repository / "link").symlink_to("kept")
    (repository / "run.log").write_text("noise")
    found = judged(repository, ".")
    assert found.subject == "the working tree"
    assert files(repository, found.commit) == {
        ".gitignore": PLAIN,
        "folder/new": PLAIN,
        "kept": EXECUTABLE,
        "link": LINK,
        "staged": PLAIN,
    }
    assert git(repository, "show", f"{found.commit}:kept") == "changed"
    assert git(repository, "show", f"{found.commit}:staged") == "5"
    assert git(repository, "rev-parse", f"{found.commit}^") == git(repository, "rev-parse", "HEAD")


def test_the_same_content_has_the_same_hash(repository: Path):
    (repository / "kept").write_text("changed\n")
    first = judged(repository, ".")
    (repository / "kept").write_text("changed again\n")
    assert judged(repository, ".").commit != first.commit
    (repository / "kept").write_text("changed\n")
    assert judged(repository, ".") == first


def test_a_user_sees_nothing_of_it(repository: Path):
    (repository / "kept").write_text("changed\n")
    (repository / "new").write_text("3\n")
    git(repository, "add", "--intent-to-add", "new")

    def visible() -> list[object]:
        index = (repository / ".git" / "index").read_bytes()
        asked = (["status", "--porcelain"], ["for-each-ref"], ["stash", "list"], ["reflog"])
        return [index, *(git(repository, *arguments) for arguments in asked)]

    before = visible()
    assert set(files(repository, judged(repository, ".").commit)) == {".gitignore", "gone", "kept", "new"}
    assert visible() == before


def test_a_subfolder_of_the_repository_is_the_whole_tree(repository: Path):
    (repository / "folder").mkdir()
    (repository / "new").write_text("3\n")
    assert "new" in files(repository, judged(repository / "folder", ".").commit)


def test_unmerged_files_are_taken_as_they_lie_there(repository: Path):
    git(repository, "checkout", "-qb", "other")
    (repository / "kept").write_text("theirs\n")
    git(repository, "commit", "-qam", "theirs")
    git(repository, "checkout", "-q", "main")
    (repository / "kept").write_text("ours\n")
    git(repository, "commit", "-qam", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "-q", "other")
    assert "<<<<<<<" in git(repository, "show", f"{judged(repository, '.').commit}:kept")
    assert git(repository, "status", "--porcelain") == "UU kept"


@pytest.mark.parametrize("revision", ["no-such-commit", "", "--all", "HEAD:kept"])
def test_what_is_no_commit_is_said_to_be_none(repository: Path, revision: str):
    with pytest.raises(
        UsageError, match=f"'{revision}' names no commit.*: `git log --oneline` lists the commits there are"
    ):
        judged(repository, revision)


@pytest.mark.parametrize("revision", [".", "HEAD"])
def test_a_repository_without_a_commit(tmp_path: Path, revision: str):
    git(tmp_path, "init", "-q")
    (tmp_path / "new").write_text("3\n")
    with pytest.raises(UsageError, match="'HEAD' names no commit"):
        judged(tmp_path, revision)


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for revision in (".", "HEAD"):
        with pytest.raises((UsageError, UnreadableInput), match="not a git repository"):
            judged(tmp_path, revision)


def test_a_bare_repository_has_no_working_tree(repository: Path, tmp_path_factory: pytest.TempPathFactory):
    bare = tmp_path_factory.mktemp("bare")
    git(bare, "clone", "-q", "--bare", str(repository), ".")
    assert judged(bare, "main").subject == "the first"
    with pytest.raises(UnreadableInput, match=r"is repo in asv\.conf\.json a git repository with a working tree"):
        judged(bare, ".")


def test_a_commit_that_a_shallow_clone_lacks(repository: Path, tmp_path_factory: pytest.TempPathFactory):
    git(repository, "commit", "-q", "--allow-empty", "-m", "the second")
    clone = tmp_path_factory.mktemp("shallow")
    git(clone, "clone", "-q", "--depth", "1", repository.as_uri(), ".")
    with pytest.raises(
        UsageError,
        match=r"'HEAD~1' names no commit: the clone is shallow, `git fetch --unshallow` brings the older commits",
    ):
        judged(clone, "HEAD~1")


def test_without_git_that_is_all_that_is_said(repository: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(repository))
    with pytest.raises(UnreadableInput, match=r"^git was not found: install it$"):
        judged(repository, "main")


class TestLeftFrom:
    """``main`` grew by a speed-up after ``docs`` left it."""

    @pytest.fixture
    def parted(self, repository: Path) -> Path:
        git(repository, "checkout", "-q", "-b", "docs")
        commit(repository, "words", files={"words": "1\n"})
        git(repository, "checkout", "-q", "main")
        commit(repository, "a speed-up", files={"kept": "fast\n"})
        return repository

    def base(self, repository: Path, baseline: str, contender: str) -> tuple[str, str]:
        """Subject and name of the base."""
        base = left_from(repository, judged(repository, baseline), judged(repository, contender))
        return base.subject, base.revision

    def test_a_branch_is_judged_against_the_commit_that_it_left(self, parted: Path):
        assert self.base(parted, "main", "docs") == ("the first", "merge base of main and docs")
        assert self.base(parted, git(parted, "rev-parse", "main"), "docs")[0] == "the first"

    def test_the_working_tree_too(self, parted: Path):
        git(parted, "checkout", "-q", "docs")
        (parted / "words").write_text("2\n")
        assert self.base(parted, "main", ".") == ("the first", "merge base of main and .")

    def test_an_ancestor_and_a_descendant_are_meant(self, parted: Path):
        assert self.base(parted, "main~1", "docs") == ("the first", "main~1")
        assert self.base(parted, "docs", "main~1") == ("words", "docs")
        assert self.base(parted, "main", "main") == ("a speed-up", "main")

    def test_a_merge_of_the_tip_is_judged_against_the_tip(self, parted: Path):
        """As on a pull request: HEAD is its merge into main."""
        git(parted, "checkout", "-q", "--detach", "main")
        git(parted, "merge", "-q", "--no-ff", "-m", "the merge", "docs")
        assert self.base(parted, "main", "HEAD") == ("a speed-up", "main")

    def test_lines_without_a_common_commit_stay_what_they_are(self, parted: Path):
        git(parted, "checkout", "-q", "--orphan", "alone")
        commit(parted, "alone")
        assert self.base(parted, "main", "alone") == ("a speed-up", "main")
