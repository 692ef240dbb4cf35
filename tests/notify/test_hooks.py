"""Messages to a real receiver on this machine: each event once, whatever happens in between."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tbp.nightly.told_file import NAME
from tbp.notify import messages

from ..command_line import Run
from ..fleets import commit_hash
from ..web_servers import TOKEN, Receiver, github_at_home, receiving
from .nights import Nights, new_nights

SLOW = 1.3
PATH = "/services/T012/B345/the-secret-of-the-hook"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as server:
        monkeypatch.setenv("TBP_WEBHOOK_URL", f"{server.url}{PATH}")
        monkeypatch.setenv("TBP_SLACK_WEBHOOK_URL", f"{server.url}{PATH}")
        yield server


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    project = new_nights(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    return project


@pytest.fixture
def notify(run: Run) -> Callable[..., int]:
    return lambda *more: run("notify", "--webhook", "--send", *more)[0]


def kinds(receiver: Receiver) -> list[str]:
    return [got.json["kind"] for got in receiver.requests]


def test_ten_nights_without_a_change_send_nothing(nights: Nights, receiver: Receiver, notify: Callable[..., int]):
    for _ in range(10):
        nights.night()
        assert notify() == 0
    assert receiver.requests == []


def test_a_step_is_one_message_and_its_recovery_none_and_a_second_step_another(
    nights: Nights, receiver: Receiver, notify: Callable[..., int]
):
    notify()
    told_after = []
    for levels in [(SLOW, SLOW)] * 9 + [(1.0, 1.0)] * 9 + [(SLOW, 1.0)] * 9:
        nights.night(*levels)
        assert notify() == 0
        told_after.append(len(receiver.requests))
    assert (told_after[8], told_after[17], told_after[26]) == (1, 1, 2)
    first, second = (got.json for got in receiver.requests)
    assert {change["benchmark"] for change in first["event"]["changes"]} == {"suite.time_0", "suite.time_1"}
    assert first["id"] != second["id"]
    assert "▲ +3" in first["title"]


def test_a_series_that_joins_later_is_no_second_message(nights: Nights, receiver: Receiver, notify: Callable[..., int]):
    """The second benchmark was not measured at first, as on another machine."""
    notify()
    nights.nights(9, SLOW)
    notify()
    runs = sorted(nights.results.glob("box/*.json"))
    assert len(receiver.requests) == 1
    for path in runs:  # the same history, measured on a second machine later
        content = json.loads(path.read_text())
        other = nights.results / "other" / path.name
        other.parent.mkdir(exist_ok=True)
        other.write_text(json.dumps({**content, "params": {"machine": "other"}}))
    assert notify() == 0
    assert len(receiver.requests) == 1


def test_a_target_begins_with_one_message_on_all_that_stands(
    nights: Nights, receiver: Receiver, notify: Callable[..., int]
):
    nights.nights(12, SLOW).nights(12, SLOW, SLOW).nights(12, SLOW, SLOW, SLOW)
    assert (notify(), notify()) == (0, 0)
    assert kinds(receiver) == ["standing"]
    assert receiver.requests[0].json["title"] == "mine: 3 regressions stand already, from 3 commits"
    nights.nights(9, SLOW, SLOW, SLOW, SLOW)
    assert notify() == 0
    assert kinds(receiver) == ["standing", "regression"]


def test_what_a_run_has_beyond_the_bound_shares_one_message_and_is_known_as_told(
    nights: Nights, receiver: Receiver, notify: Callable[..., int], monkeypatch: pytest.MonkeyPatch
):
    """A regression of two benchmarks, and later two of one: of two messages the first is on the largest."""
    monkeypatch.setattr(messages, "MOST_NEW", 2)
    nights.nights(12, SLOW).nights(12, SLOW, SLOW, SLOW).nights(12, SLOW, SLOW, SLOW, SLOW)
    assert (notify("--each"), notify("--each")) == (0, 0)
    assert kinds(receiver) == ["regression", "more"]
    single, more = (got.json for got in receiver.requests)
    assert single["title"].endswith(f"since {commit_hash(42)[:8]}")
    assert more["title"] == "mine: 2 more regressions, from 2 commits"
    assert [event["title"][-8:] for event in more["events"]] == [commit_hash(30)[:8], commit_hash(54)[:8]]
    assert "the report has all" in more["text"]


def test_what_cannot_share_a_comment_is_told_by_the_next_run(nights: Nights, run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(messages, "MOST_NEW", 2)
    nights.nights(12, SLOW).nights(12, SLOW, SLOW).nights(12, SLOW, SLOW, SLOW)
    with github_at_home() as github:
        for name, value in (("API_URL", github.url), ("REPOSITORY", github.repository), ("TOKEN", TOKEN)):
            monkeypatch.setenv(f"GITHUB_{name}", value)
        counts = []
        for _ in range(3):
            assert run("notify", "--github-comment", "--each", "--send")[0] == 0
            counts.append(len(github.comments))
    assert counts == [1, 3, 3]


def test_an_email_names_the_rest(nights: Nights, run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(messages, "MOST_NEW", 2)
    nights.nights(12, SLOW).nights(12, SLOW, SLOW).nights(12, SLOW, SLOW, SLOW)
    subject, _, body = run("notify", "--each", "--send")[1].partition("\nMIME")
    assert subject.endswith("2 more regressions, from 2 commits")
    assert "2 more regressions, from 2 commits. The 1 largest event of the run came by themselves" in body


def test_a_target_may_begin_with_each_of_them(nights: Nights, receiver: Receiver, notify: Callable[..., int]):
    nights.nights(12, SLOW).nights(12, SLOW, SLOW)
    assert (notify("--each"), notify("--each")) == (0, 0)
    assert kinds(receiver) == ["regression", "regression"]


def test_a_lost_note_brings_one_message_and_no_flood(nights: Nights, receiver: Receiver, notify: Callable[..., int]):
    nights.nights(12, SLOW).nights(12, SLOW, SLOW)
    notify("--each")
    (nights.results / NAME).write_bytes(b"\x00damaged")
    assert (notify(), notify()) == (0, 0)
    assert kinds(receiver) == ["regression", "regression", "standing"]


def test_what_arrived_is_noted_though_the_next_is_refused(
    nights: Nights, receiver: Receiver, notify: Callable[..., int], run: Run
):
    nights.nights(12, SLOW).nights(12, SLOW, SLOW)
    receiver.replies = [(200, {}, b""), (404, {}, b"no_service at " + PATH.encode())]
    code, out, err = run("notify", "--webhook", "--each", "--send")
    assert (code, len(receiver.requests)) == (4, 2)
    assert "there is no such webhook any more" in err
    assert "the-secret-of-the-hook" not in out + err
    assert notify() == 0
    ids = [got.json["id"] for got in receiver.requests]
    assert ids[1] == ids[2] != ids[0]
    assert notify() == 0
    assert len(receiver.requests) == 3


def test_where_one_target_fails_the_others_are_told(
    nights: Nights, receiver: Receiver, run: Run, monkeypatch: pytest.MonkeyPatch
):
    with receiving() as broken:
        broken.usual = (400, {}, b"invalid_payload")
        monkeypatch.setenv("TBP_SLACK_WEBHOOK_URL", f"{broken.url}{PATH}")
        nights.nights(9, SLOW)
        assert run("notify", "--slack", "--webhook", "--send")[0] == 4
        broken.usual = (200, {}, b"ok")
        assert run("notify", "--slack", "--webhook", "--send")[0] == 0
    assert (len(receiver.requests), len(broken.requests)) == (1, 2)


def test_a_dry_run_is_the_default_outside_ci_and_shows_all_but_the_secret(
    nights: Nights, receiver: Receiver, run: Run, monkeypatch: pytest.MonkeyPatch
):
    nights.nights(9, SLOW)
    code, out, err = run("notify", "--slack", "--webhook", "--github-issue", "--github-comment")
    assert (code, receiver.requests, (nights.results / NAME).exists()) == (0, [], False)
    assert "suite.time_0" in out
    assert "127.0.0.1" in out
    assert "the-secret-of-the-hook" not in out + err
    assert "--send does" in err
    monkeypatch.setenv("CI", "true")
    assert run("notify", "--webhook")[0] == 0
    assert len(receiver.requests) == 1
    assert run("notify", "--webhook", "--dry-run")[0] == 0


def test_stdout_gets_an_email_once(nights: Nights, run: Run):
    nights.nights(9, SLOW)
    for more in ((), ("--send",)):
        code, out, _ = run("notify", *more)
        assert code == 0
        assert out.startswith("Subject: [mine] +3")
        assert "\n\n▲ +3" in out
        assert "tbp ack " in out
    assert run("notify", "--send")[1] == ""


def test_improvements_are_told_to_who_asks_for_them(nights: Nights, receiver: Receiver, notify: Callable[..., int]):
    notify()
    nights.nights(9, 1 / SLOW)
    assert (notify(), kinds(receiver)) == (0, [])
    assert (notify("--improvements"), notify("--improvements")) == (0, 0)
    assert kinds(receiver) == ["improvement"]


@pytest.mark.parametrize(
    ("flag", "variable"),
    [("--slack", "TBP_SLACK_WEBHOOK_URL"), ("--webhook", "TBP_WEBHOOK_URL"), ("--github-issue", "GITHUB_REPOSITORY")],
)
def test_a_missing_variable_is_named(nights: Nights, run: Run, flag: str, variable: str):
    code, _, err = run("notify", flag, "--send")
    assert code == 2
    assert variable in err


def test_a_folder_that_cannot_be_written_is_known_before_anything_is_sent(
    nights: Nights, receiver: Receiver, notify: Callable[..., int]
):
    nights.nights(9, SLOW)
    (nights.results / NAME).mkdir()
    assert notify() == 2
    assert receiver.requests == []


def test_json_has_what_was_told_to_whom(nights: Nights, receiver: Receiver, run: Run):
    nights.nights(9, SLOW)
    content = json.loads(run("notify", "--webhook", "--send", "--json")[1])
    (message,) = content["messages"]
    assert content["targets"] == {"webhook": [message["id"]]}
    assert message == receiver.requests[0].json
    assert receiver.requests[0].headers["idempotency-key"] == message["id"]


def test_two_receivers_are_told_for_themselves(nights: Nights, receiver: Receiver, notify: Callable[..., int]):
    nights.nights(9, SLOW)
    assert [notify("--receiver", name) for name in ("ann", "bob", "ann")] == [0, 0, 0]
    assert len(receiver.requests) == 2
