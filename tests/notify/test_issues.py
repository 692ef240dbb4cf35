"""One issue for each event, on a server that behaves as GitHub does: from the first night to the last."""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbp.comparison.markdown import LIMIT
from tbp.nightly.told import Fate, Reported, ToldEvent
from tbp.nightly.told_file import NAME
from tbp.notify import issues, messages
from tbp.notify.issue_text import body_with, mark_in, mark_of
from tbp.notify.messages import SummaryKind
from tbp.notify.run import NotifyRequest, deliver
from tbp.notify.targets import TargetChoice
from tbp.notify.tracker import LABEL
from tbp.project.asv_config import read_config

from ..command_line import Run
from ..fleets import commit_hash
from ..web_servers import TOKEN, FakeGitHub, github_at_home
from .nights import Nights, new_nights
from .test_hooks import SLOW

Notify = Callable[..., int]


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    with github_at_home() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", server.repository)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield server


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    project = new_nights(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture
def notify(run: Run) -> Notify:
    def once(*more: str) -> int:
        code, out, err = run("notify", "--github-issue", "--send", *more)
        assert TOKEN not in out + err
        return code

    return once


def states(github: FakeGitHub) -> list[tuple[str, str | None]]:
    return [(issue["state"], issue["state_reason"]) for issue in github.issues]


def opened(nights: Nights, notify: Notify) -> None:
    """A project with one issue on the first benchmark."""
    assert notify() == 0
    nights.nights(9, SLOW)
    assert notify() == 0


def join(nights: Nights) -> None:
    """Another machine has measured the same commits, and has another benchmark in place of the first."""
    for path in sorted(nights.results.glob("box/*.json")):
        text = path.read_text().replace("suite.time_0", "suite.time_late").replace('"box"', '"late"')
        other = nights.results / "late" / path.name
        other.parent.mkdir(exist_ok=True)
        other.write_text(text)


def test_nights_without_a_change_write_nothing(nights: Nights, github: FakeGitHub, notify: Notify):
    for _ in range(3):
        nights.night()
        assert notify() == 0
    assert github.written == []


def test_an_event_opens_one_issue_with_its_evidence(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    (issue,) = github.issues
    short = commit_hash(30)[:8]
    assert (issue["state"], issue["labels"]) == ("open", [{"name": LABEL}])
    assert re.fullmatch(rf"▲ \+3\d % slower: suite\.time_0 since {short}", issue["title"])
    for part in ("99 % CI", "`suite.time_0`", f"tbp gate {commit_hash(29)[:8]} {short}", "tbp ack "):
        assert part in issue["body"], part
    requests = len(github.written)
    assert (notify(), len(github.written)) == (0, requests), "a repeat writes nothing"


def test_an_issue_grows_with_its_event(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    join(nights)
    assert notify() == 0
    (issue,) = github.issues
    assert "2 series of suite.time_0, suite.time_late" in issue["title"]
    assert "`suite.time_late`" in issue["body"]
    assert [comment["body"] for comment in github.comments] == [
        f"Further runs show: 2 series of 2 benchmarks, {commit_hash(29)[:8]}..{commit_hash(30)[:8]}."
    ]
    assert notify() == 0
    assert len(github.comments) == 1


def test_what_a_run_has_beyond_the_bound_shares_one_issue_which_lives_on(
    nights: Nights, github: FakeGitHub, notify: Notify, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(messages, "MOST_NEW", 2)
    monkeypatch.setattr(issues, "MOST_SHARED", 2)
    assert notify() == 0
    nights.nights(12, SLOW).nights(12, SLOW, SLOW).nights(12, SLOW, SLOW, SLOW).nights(12, *[SLOW] * 4)
    assert notify() == 0
    assert [issue["title"].partition(" since ")[0][-12:] for issue in github.issues] == ["suite.time_0", "om 2 commits"]
    assert github.issues[1]["title"] == "2 more regressions, from 2 commits"
    assert notify() == 0, "the fourth is new to the next run"
    assert github.issues[2]["title"].partition(" since ")[0].endswith("suite.time_3")
    written = len(github.written)
    shutil.rmtree(nights.folder / "reports", ignore_errors=True)
    (nights.results / NAME).unlink()
    assert notify() == 0, "the marks name the events of all three"
    assert len(github.written) == written
    nights.nights(9, SLOW)
    assert notify() == 0
    assert states(github) == [("open", None), ("closed", "completed"), ("closed", "completed")]


def test_the_mark_of_an_issue_on_as_many_events_as_may_be_is_read_again():
    events = [
        ToldEvent(f"{event:012x}", frozenset(Reported(f"{n:012x}", f"{event:040x}") for n in range(9)), {})
        for event in range(issues.MOST_SHARED)
    ]
    body = body_with(mark_of(events, Fate.STANDS, "0" * 25, "title", SummaryKind.MORE), "x" * LIMIT)
    mark = mark_in(body)
    assert mark is not None
    assert [event.id for event in mark.told] == [event.id for event in events]
    assert len(body) <= LIMIT


def test_what_people_write_stays(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    (issue,) = github.issues
    issue["body"] = "Above: @ann looks.\r\n" + issue["body"].replace("\n", "\r\n") + "\r\nBelow: bisecting."
    issue["title"] = "Slow attention"
    nights.nights(9)
    assert notify() == 0
    assert (issue["title"], issue["state"]) == ("Slow attention", "closed")
    assert issue["body"].startswith("Above: @ann looks.\r\n<!-- tbp:events")
    assert issue["body"].endswith("<!-- tbp:end -->\r\nBelow: bisecting.")


def test_recovery_closes_and_a_second_regression_opens_another(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    nights.nights(9)
    assert (notify(), notify()) == (0, 0)
    assert states(github) == [("closed", "completed")]
    (comment,) = github.comments
    assert comment["body"] == f"Closed: the level before it is back. `recovered at {commit_hash(39)[:8]}`"
    nights.nights(9, SLOW)
    assert (notify(), notify()) == (0, 0)
    assert states(github) == [("closed", "completed"), ("open", None)]


def test_an_acknowledgement_closes_and_its_end_reopens(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    acks = nights.folder / "reports" / "acks.toml"
    acks.parent.mkdir()
    acks.write_text(f'[[ack]]\nevent = "{commit_hash(30)}"\nreason = "exact @everyone is worth it"\n')
    assert (notify(), notify()) == (0, 0)
    assert states(github) == [("closed", "not_planned")]
    assert "exact &#64;everyone is worth it" in github.comments[0]["body"]
    acks.unlink()
    assert (notify(), notify()) == (0, 0)
    assert [issue["state"] for issue in github.issues] == ["open"]
    assert github.comments[1]["body"].startswith("It is back: 1 series")


def test_what_people_close_stays_closed(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    github.issues[0].update(state="closed", state_reason="completed")
    written = len(github.written)
    join(nights)
    assert (notify(), len(github.written)) == (0, written)


def test_a_lost_note_opens_no_second_issue(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    nights.nights(9, SLOW, SLOW)
    notify()
    written = len(github.written)
    for content in (b"", b"{"):
        (nights.results / NAME).write_bytes(content)
        assert notify() == 0
    assert (len(github.issues), len(github.written)) == (2, written)


def test_a_lost_note_and_an_event_that_moved_meanwhile_is_the_same_issue(
    nights: Nights, github: FakeGitHub, notify: Notify
):
    """The mark has the series and its commit, by which an event a few runs away is known."""
    opened(nights, notify)
    body = github.issues[0]["body"]
    mark = mark_in(body)
    assert mark is not None
    moved = next(iter(mark.events.values())).changes
    assert moved.keys() == {commit_hash(30)}
    (nights.results / NAME).unlink()
    nights.newest = 30
    nights.night()  # measured anew: the first run at the new level is the next one
    assert (notify(), len(github.issues)) == (0, 1)
    assert commit_hash(31)[:8] in github.issues[0]["title"]


def test_an_issue_of_a_stranger_with_our_mark_is_left_alone(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    forged = {**github.issues[0], "number": 2, "user": {"login": "eve", "type": "User"}, "state": "open"}
    github.issues[0] = {**forged, "number": 1, "body": "gone", "labels": []}
    github.issues.append(forged)
    (nights.results / NAME).unlink()
    assert notify() == 0
    assert len(github.issues) == 3
    assert github.issues[1] == forged


def test_a_deleted_issue_is_not_opened_again(nights: Nights, github: FakeGitHub, notify: Notify):
    opened(nights, notify)
    github.issues.clear()
    assert (notify(), github.issues) == (0, [])


def test_an_old_project_begins_with_one_issue(nights: Nights, github: FakeGitHub, notify: Notify):
    nights.nights(12, SLOW).nights(12, SLOW, SLOW)
    assert (notify(), notify()) == (0, 0)
    (issue,) = github.issues
    assert issue["title"].startswith("2 regressions stand already, from 2 commits")
    nights.nights(9, SLOW, SLOW, SLOW)
    assert notify() == 0
    assert len(github.issues) == 2
    nights.nights(12)
    assert notify() == 0
    assert states(github) == [("closed", "completed")] * 2


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_refusal_is_told_and_the_rest_goes_on_later(nights: Nights, github: FakeGitHub, notify: Notify, status: int):
    nights.nights(12, SLOW).nights(12, SLOW, SLOW)
    refuses = [True]

    def before(got: object) -> None:
        if getattr(got, "method", "") == "POST" and len(github.issues) == 1 and refuses[0]:
            github.replies.append((status, {}, b'{"message": "no"}'))

    github.before = before
    assert (notify("--each"), len(github.issues)) == (4, 1)
    refuses[0] = False
    assert (notify("--each"), len(github.issues)) == (0, 2)


def test_two_at_once_leave_one_issue_open(tmp_path: Path, nights: Nights, github: FakeGitHub, run: Run):
    """Two runners with results folders of their own list no issue, and both open one."""
    nights.nights(9, SLOW)
    both = threading.Barrier(2, timeout=20)
    github.before = lambda got: both.wait() and None if got.method == "POST" and got.path.endswith("/issues") else None
    other = tmp_path / "other"
    other.mkdir()
    (other / "asv.conf.json").write_text((nights.folder / "asv.conf.json").read_text())
    shutil.copytree(nights.results, other / "results")
    request = NotifyRequest(TargetChoice(github_issue=True), is_sent=True)
    environment = dict(os.environ)
    outcomes = []

    def one_runner(folder: Path) -> None:
        config = read_config(folder / "asv.conf.json")
        outcomes.append(deliver(request, config, None, environment, lambda delivered: None))

    threads = [threading.Thread(target=one_runner, args=(folder,)) for folder in (nights.folder, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.failures for outcome in outcomes] == [[], []]
    assert [issue["state"] for issue in github.issues] == ["open", "closed"]
    assert [comment["body"] for comment in github.comments] == ["Closed: it is the same event as #1."]
    for folder in (nights.folder, other):
        assert run("notify", "--github-issue", "--send", "--config", folder / "asv.conf.json")[0] == 0
    assert [issue["state"] for issue in github.issues] == ["open", "closed"]


def test_a_commit_gets_one_comment(nights: Nights, github: FakeGitHub, run: Run):
    for _ in range(2):
        assert run("notify", "--github-comment", "--send")[0] == 0
        nights.nights(9, SLOW)
    assert [run("notify", "--github-comment", "--send")[0] for _ in range(2)] == [0, 0]
    (comment,) = github.comments
    assert comment["of"] == f"/commits/{commit_hash(30)}"
    assert "99 % CI" in comment["body"]


def test_what_a_result_names_instead_of_a_commit_is_no_address(nights: Nights, github: FakeGitHub, run: Run):
    assert run("notify", "--github-comment", "--send")[0] == 0
    nights.nights(9, SLOW)
    (path,) = nights.results.glob(f"*/{commit_hash(30)[:8]}-*.json")
    path.write_text(path.read_text().replace(commit_hash(30), "../issues/7"))
    assert run("notify", "--github-comment", "--send")[0] == 0
    assert [got.path for got in github.requests if ".." in got.path] == []
    assert github.comments == []
