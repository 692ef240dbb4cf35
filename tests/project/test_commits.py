import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tbp.model.series import Tag
from tbp.project.branch import resolve
from tbp.project.commits import GONE, Commits, ancestors, described, read_commits

from ..repositories import commit, git, new_repository

HOSTILE = 'a "quoted" <script>alert(1)</script> %H %x00 🐛 --end'
HOSTILE_AUTHOR = "%H %x00 {{7}} &lt;b&gt; 🐛 Ann"
HOSTILE_TAG = "v1<script>alert(1)</script>%x00{{7}}"


def date(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "repository")


def test_history_gives_the_order_and_not_the_dates(repository: Path):
    # The second commit's clock was behind.
    hashes = [commit(repository, "one", 10), commit(repository, HOSTILE, 5), commit(repository, "three", 11)]
    commits = read_commits(dict.fromkeys(reversed(hashes), date(1)), repository)
    assert [c.hash for c in commits.order] == hashes
    assert [c.subject for c in commits.order] == ["one", HOSTILE, "three"]
    assert commits.order[0].date == date(10)
    assert commits.history == tuple(hashes)
    assert commits.branch == "main"
    assert commits.notes == ()


def lines_of(commits: Commits) -> list[tuple[str, list[str]]]:
    return [(line.name, [own.subject for own in line.commits]) for line in commits.lines]


def test_a_configuration_without_a_clone_is_named():
    (note,) = read_commits({"a" * 40: date(1)}, config=Path("asv.conf.json")).notes
    assert note.startswith("repo of asv.conf.json is an address: commits are in order of date; set it to the folder")
    (note,) = read_commits({"a" * 40: date(1)}).notes
    assert note.startswith("no repository was given: ")


def test_commits_have_their_authors_also_those_without_results(repository: Path):
    """A name is as the commit has it: a mailmap may be any file that the repository's configuration names."""
    measured = commit(repository, "one", 10)
    (repository / ".mailmap").write_text("Somebody Else <x>\n", encoding="utf-8")
    git(repository, "commit", "-q", "--allow-empty", "-m", "two", "--author", f"{HOSTILE_AUTHOR} <a@e.org>")
    between = git(repository, "rev-parse", "HEAD")
    assert [c.author for c in read_commits({measured: date(1)}, repository).order] == ["x"]
    known = described(repository, [between, measured, "0" * 40, "--all", "main"])
    assert {name: (each.author, each.subject) for name, each in known.items()} == {
        between: (HOSTILE_AUTHOR, "two"), measured: ("x", "one"),
    }  # fmt: skip
    assert described(repository / "nowhere", [measured]) == {}


def test_a_maintenance_branch_is_a_line_of_its_own_and_never_placed_by_date(repository: Path):
    one = commit(repository, "one", 1)
    git(repository, "checkout", "-q", "-b", "1.x")
    side = [commit(repository, "1.0.1", 3), commit(repository, "1.0.2", 9)]
    git(repository, "checkout", "-q", "main")
    two, three = commit(repository, "two", 5), commit(repository, "three", 6)
    commits = read_commits(dict.fromkeys([one, two, three, *side], date(1)), repository)
    assert [c.hash for c in commits.order] == [one, two, three]
    assert commits.history == (one, two, three)
    assert lines_of(commits) == [("1.x", ["1.0.1", "1.0.2"])]
    assert commits.lines[0].fork == one
    assert commits.lines[0].origin == commits.order[0]
    beside = "commits with results are not on the first-parent line of"
    assert commits.notes == (f"2 of 5 {beside} main: 1.x (2); they are shown apart, and in no series",)


def test_what_was_merged_is_a_line_of_its_own(repository: Path):
    one = commit(repository, "one", 1)
    git(repository, "checkout", "-q", "-b", "feature")
    side = [commit(repository, "feature 1", 2), commit(repository, "feature 2", 3)]
    git(repository, "checkout", "-q", "main")
    two = commit(repository, "two", 4)
    git(repository, "merge", "-q", "--no-ff", "-m", "merge", "feature", day=5)
    merge = git(repository, "rev-parse", "HEAD")
    dates = dict.fromkeys([one, two, merge, *side], date(1))
    commits = read_commits(dates, repository)
    assert [c.hash for c in commits.order] == [one, two, merge]
    assert lines_of(commits) == [("feature", ["feature 1", "feature 2"])]
    # Without its branch it is called by its tag, without one by its newest commit.
    git(repository, "branch", "-q", "-D", "feature")
    assert lines_of(read_commits(dates, repository))[0][0] == side[1][:8]
    git(repository, "tag", "v1.1", side[1])
    assert lines_of(read_commits(dates, repository))[0][0] == "v1.1"


def test_lines_that_part_from_each_other_share_no_commit(repository: Path):
    one = commit(repository, "one", 1)
    git(repository, "checkout", "-q", "-b", "1.x")
    long = [commit(repository, f"1.0.{i}", 1 + i) for i in (1, 2, 3)]
    git(repository, "checkout", "-q", "-b", "fix", long[0])
    fix = commit(repository, "fix", 9)
    git(repository, "checkout", "-q", "main")
    two = commit(repository, "two", 10)
    commits = read_commits(dict.fromkeys([one, two, fix, *long], date(1)), repository)
    assert lines_of(commits) == [("1.x", ["1.0.1", "1.0.2", "1.0.3"]), ("fix", ["fix"])]
    assert commits.lines[1].origin == commits.lines[0].commits[0]
    assert [line.fork for line in commits.lines] == [one, one]


def test_a_line_of_another_root_has_no_fork(repository: Path):
    one = commit(repository, "one", 1)
    git(repository, "checkout", "-q", "--orphan", "results")
    other = commit(repository, "other", 2)
    commits = read_commits(dict.fromkeys([one, other], date(1)), repository)
    assert (commits.branch, commits.history) == ("main", (one,))
    assert lines_of(commits) == [("results", ["other"])]
    assert (commits.lines[0].fork, commits.lines[0].origin) == ("", None)


def test_what_a_whole_repository_lacks_is_not_on_the_branch(repository: Path):
    one, two = commit(repository, "one", 1), commit(repository, "two", 5)
    old, new, no_hash = "e" * 40, "f" * 40, "--output=x"
    commits = read_commits({one: date(1), two: date(5), old: date(4), new: date(6), no_hash: date(2)}, repository)
    assert [c.hash for c in commits.order] == [one, two]
    assert [(line.name, [c.hash for c in line.commits]) for line in commits.lines] == [(GONE, [no_hash, old, new])]
    assert commits.notes[0] == (
        f"the repository {repository} lacks 3 of 5 commits: they were rewritten (a force-push), or are not "
        "fetched yet: `git fetch` brings the latter; --config names another repository"
    )


def test_a_repository_that_knows_no_commit_is_another_one(repository: Path):
    commit(repository, "one", 9)
    commits = read_commits({"e" * 40: date(2), "f" * 40: date(1)}, repository)
    assert [c.hash[0] for c in commits.order] == ["f", "e"]
    assert commits.lines == ()
    assert "lacks 2 of 2 commits, placed by date" in commits.notes[0]


def test_a_shallow_repository_does_not_tell_a_branch_from_a_line(repository: Path, tmp_path: Path):
    commit(repository, "zero", 1)
    one, two = commit(repository, "one", 2), commit(repository, "two", 3)
    git(repository, "tag", "v1", one)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", str(shallow))
    git(shallow, "fetch", "-q", "--depth=1", "origin", "tag", "v1")
    # git rewrites what is shallow: now the newest commit may look as if it had no parent, and the tag as well.
    commits = read_commits({two: date(3), one: date(2)}, shallow)
    assert [c.hash for c in commits.order] == [one, two]
    assert commits.lines == ()


def test_a_shallow_repository_says_so(repository: Path, tmp_path: Path):
    one, two = commit(repository, "one", 1), commit(repository, "two", 2)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", str(shallow))
    commits = read_commits({two: date(2), one: date(1)}, shallow)
    assert [(c.hash, c.subject) for c in commits.order] == [(one, ""), (two, "two")]
    assert "git fetch --unshallow" in commits.notes[0]


def test_bytes_that_are_no_utf8_do_not_break_a_subject(repository: Path):
    git(repository, "-c", "i18n.commitEncoding=UTF-8", "commit", "--allow-empty", "-m", "x")
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    body = f"tree {tree}\nauthor x <x> 1 +0000\ncommitter x <x> 1 +0000\n\n".encode() + b"caf\xe9\n"
    made = subprocess.run(
        ["git", "-C", str(repository), "hash-object", "-t", "commit", "-w", "--stdin"],
        input=body,
        check=True,
        capture_output=True,
    )
    name = made.stdout.decode().strip()
    git(repository, "update-ref", "refs/heads/main", name)
    (only,) = read_commits({name: date(1)}, repository).order
    assert only.subject.startswith("caf")


@pytest.mark.parametrize("where", ["empty", "absent", "unborn"])
def test_without_a_usable_repository_order_is_by_date(tmp_path: Path, where: str):
    folder = tmp_path / where
    if where != "absent":
        folder.mkdir()
    if where == "unborn":
        git(folder, "init", "-q")
    commits = read_commits({"b" * 40: date(2), "a" * 40: date(1)}, folder)
    assert [c.hash[0] for c in commits.order] == ["a", "b"]
    assert "order of date" in commits.notes[0]


def test_no_repository_and_no_git_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    dates = {"b" * 40: date(2), "a" * 40: date(1)}
    assert "no repository" in read_commits(dates).notes[0]
    monkeypatch.setenv("PATH", str(tmp_path))
    commits = read_commits(dates, tmp_path)
    assert [c.hash[0] for c in commits.order] == ["a", "b"]
    assert "git was not found" in commits.notes[0]


def test_a_revision_is_resolved_as_git_does(repository: Path):
    one, two = commit(repository, "one", 1), commit(repository, "two", 2)
    assert [resolve(repository, own) for own in ("main", "HEAD~1", two[:7])] == [two, one, two]
    git(repository, "tag", "-m", "annotated", "v1")
    assert resolve(repository, "v1") == two


@pytest.mark.parametrize("revision", ["nowhere", "--all", "", "HEAD^{tree}", "HEAD:"])
def test_what_git_does_not_know_is_empty(repository: Path, revision: str):
    commit(repository, "one", 1)
    assert resolve(repository, revision) == ""


def test_nothing_is_resolved_without_a_repository(tmp_path: Path):
    assert resolve(tmp_path / "nowhere", "HEAD") == ""
    assert ancestors(tmp_path / "nowhere", "HEAD") == []


def test_ancestors_are_nearest_first(repository: Path):
    one, two = commit(repository, "one", 1), commit(repository, "two", 2)
    assert ancestors(repository, two) == [two, one]


def test_a_tag_is_shown_at_the_first_result_that_has_it(repository: Path):
    one, _, three = (commit(repository, subject, day) for day, subject in enumerate(("one", "two", "three"), 1))
    git(repository, "tag", "v1", one)
    git(repository, "tag", "-m", "annotated", "v2", "HEAD~1")
    git(repository, "tag", HOSTILE_TAG, three)
    git(repository, "tag", "a-folder", "HEAD^{tree}")
    commit(repository, "four", 4)
    git(repository, "tag", "not-measured-yet")
    tags = read_commits({one: date(1), three: date(3)}, repository).tags
    assert tags == (Tag("v1", one), Tag(HOSTILE_TAG, three), Tag("v2", three, is_exact=False))


def test_a_tag_beside_the_branch_is_shown_only_with_a_result_of_its_own(repository: Path):
    one = commit(repository, "one", 1)
    git(repository, "checkout", "-q", "-b", "release")
    side = commit(repository, "fix", 2)
    git(repository, "tag", "v1.0.1")
    git(repository, "checkout", "-q", "main")
    two = commit(repository, "two", 3)
    assert read_commits({one: date(1), two: date(3)}, repository).tags == ()
    assert read_commits({one: date(1), side: date(2), two: date(3)}, repository).tags == (Tag("v1.0.1", side),)


def test_the_runs_of_one_line_tell_what_two_of_its_commits_say(repository: Path):
    one, two = commit(repository, "one", 1), commit(repository, "two", 2)
    git(repository, "checkout", "-q", "-b", "1.x")
    side = [commit(repository, f"1.0.{i}", 2 + i) for i in (1, 2)]
    git(repository, "checkout", "-q", "main")
    rest = [commit(repository, f"main {i}", 10 + i) for i in (1, 2, 3)]
    commits = read_commits(dict.fromkeys([one, two, *side, *rest], date(1)), repository)

    def compared(baseline: str, contender: str) -> list[str]:
        return [own.subject for own in commits.compared(baseline, contender)]

    on_main = ["one", "two", "main 1", "main 2", "main 3"]
    assert compared(one, rest[0]) == compared(rest[0], one) == on_main
    assert compared(one, side[0]) == compared(side[1], two) == ["one", "two", "1.0.1", "1.0.2"]
    # Of two lines: what was before the baseline, then the contender and what came after it.
    assert compared(side[1], rest[1]) == ["one", "two", "1.0.1", "1.0.2", "main 2", "main 3"]
    # Nothing came after 1.0.2: its neighbours are those before it on its own line.
    assert compared(rest[0], side[1]) == ["one", "two", "main 1", "1.0.2", "1.0.1"]


@pytest.mark.parametrize("name", ["a\u2028b", "a\x85b\u2029c"])
def test_a_line_may_have_any_name_that_git_takes(tmp_path: Path, name: str):
    """Each line is asked for its name; a name that were cut in two would move all others."""
    new_repository(tmp_path)
    on_main = commit(tmp_path, "one")
    hashes = []
    for side in (name, "side"):
        git(tmp_path, "checkout", "-q", "-b", side, on_main)
        hashes.append(commit(tmp_path, side))
    dates = dict.fromkeys((on_main, *hashes), datetime(2026, 1, 1, tzinfo=UTC))
    lines = read_commits(dates, tmp_path, "main").lines
    assert {line.name: line.commits[-1].hash for line in lines} == dict(zip((name, "side"), hashes, strict=True))
