from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tbp.asv.repository import AskedCommits, ancestors, read_commits, resolve
from tbp.history.series import Tag

HOSTILE = 'a "quoted" <script>alert(1)</script> %H %x00 🐛 --end'
HOSTILE_TAG = "v1<script>alert(1)</script>%x00{{7}}"


def git(folder: Path, *arguments: str, day: int = 1) -> str:
    when = f"2026-01-{day:02d}T00:00:00+00:00"
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_COMMITTER_DATE": when}
    identity |= {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=os.environ | identity, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, subject: str, day: int) -> str:
    git(folder, "commit", "--allow-empty", "-m", subject, day=day)
    return git(folder, "rev-parse", "HEAD")


def date(day: int) -> datetime:
    return datetime(2026, 1, day, tzinfo=UTC)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def test_history_gives_the_order_and_not_the_dates(repository: Path):
    # The second commit's clock was behind.
    hashes = [commit(repository, "one", 10), commit(repository, HOSTILE, 5), commit(repository, "three", 11)]
    commits = read_commits(dict.fromkeys(reversed(hashes), date(1)), repository)
    assert [c.hash for c in commits.order] == hashes
    assert [c.subject for c in commits.order] == ["one", HOSTILE, "three"]
    assert commits.order[0].date == date(10)
    assert commits.reachable == set(hashes)
    assert commits.notes == ()


def test_git_is_told_of_the_commits_when_they_are_known(repository: Path):
    hashes = [commit(repository, "one", 1), commit(repository, "two", 2)]
    with AskedCommits(repository) as asked:
        unknown = [f"{place:040x}" for place in range(3_000)]  # more than a pipe takes in
        asked.ask([*unknown, *hashes])
        commits = asked.commits(dict.fromkeys(hashes, date(5)))
    assert [(c.hash, c.subject, c.date) for c in commits.order] == [
        (hashes[0], "one", date(1)),
        (hashes[1], "two", date(2)),
    ]
    assert commits.notes == ()


def test_who_asks_git_and_wants_no_answer_leaves_no_process_behind(repository: Path):
    with AskedCommits(repository) as asked:
        process = asked._descriptions._process
        assert process is not None
    assert process.poll() is not None


def test_commits_off_the_branch_and_unknown_ones_take_their_place_by_date(repository: Path):
    one = commit(repository, "one", 1)
    git(repository, "checkout", "-q", "-b", "side")
    side = commit(repository, "side", 3)
    git(repository, "checkout", "-q", "main")
    two = commit(repository, "two", 5)
    unknown, no_hash = "e" * 40, "--output=x"
    commits = read_commits({one: date(1), side: date(3), two: date(5), unknown: date(4), no_hash: date(2)}, repository)
    assert [c.hash for c in commits.order] == [one, no_hash, side, unknown, two]
    assert commits.reachable == {one, two}
    assert len(commits.notes) == 2


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
