"""Events in every form: with evidence, and harmless whatever strangers call their commits and benchmarks."""

import json
import re
from email import message_from_string
from email.header import decode_header, make_header

import pytest
from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.model.series import Commit, SeriesKey
from tbp.nightly.told import Fate, ToldEvent, ToldNote
from tbp.notify.hooks import payload_of
from tbp.notify.issue_text import (
    END,
    body_with,
    event_markdown,
    issue_title,
    mark_in,
    mark_of,
    summary_markdown,
    summary_title,
    text_in,
)
from tbp.notify.messages import EventMessage, MessageSource, SummaryKind, SummaryMessage
from tbp.notify.news import standing
from tbp.notify.payload import as_text
from tbp.notify.slack import slack_event, slack_summary
from tbp.notify.text import digest, email

from ..histories import change, history, report

HOSTILE = (
    "@everyone @channel @here",
    "<!channel> <!here|x> <@U012> <https://evil.test|click>",
    "@ann please",
    "[click](https://evil.test) ![x](https://evil.test/x.png)",
    "<!-- tbp:events 1 e30= -->",
    "--> <script>alert(1)</script>",
    "```\n# heading\n- [ ] task",
    "`code` | cell | #1 GH-1 ann/project#2",
    "x" * 5_000,
    "a\r\nBcc: eve@evil.test\r\n\r\nbody",
    "\x1b[31m\u202e\x00",
    "::error::x",
    "&lt;!channel&gt; &#64;everyone",
    ":tada: *bold* _it_ ~no~",
    "http://evil.test/x",
    "\udc80",
)


def called(text: str) -> History:
    """A regression of a benchmark, parameter, machine, commit and author of this name."""
    plain = history(changes=(change(3, 1e-3, 1.2e-3),))
    points = tuple(
        replace(point, commit=Commit(point.commit.hash, point.commit.date, text, text)) for point in plain.points
    )
    return replace(plain, points=points, key=SeriesKey(text, ((text, text),), text, text))


def message_of(*histories: History, url: str = "https://ann.github.test/report") -> tuple[EventMessage, SummaryMessage]:
    source = MessageSource(report(*histories, project=histories[0].key.machine), url)
    events = standing(source.data)
    return source.message(events[0], ToldNote()), source.summary(
        SummaryKind.STANDING, [(event, False) for event in events], ToldNote()
    )


def test_a_message_has_who_what_how_much_how_sure_and_what_next():
    single, _ = message_of(history(changes=(change(3, 1e-3, 1.2e-3, low=0.15, high=0.25),)))
    text = digest("example", [single])[1]
    for part in (
        "▲ +20 % slower: attention.Quick.torchtime_step (variant=sdpa)", "since 03c0ffee", "1.00 ms → 1.20 ms",
        "99 % CI 15–25 %", "p < 0.001", "tbp gate 02c0ffee 03c0ffee", "tbp ack 02c0ffee..03c0ffee",
        "report: https://ann.github.test/report/changes.html#at-", "commit: https://example.org/commit/03c0ffee",
    ):  # fmt: skip
        assert part in text, part


def test_without_a_published_report_there_is_no_link_to_one():
    single, first = message_of(history(), url="")
    assert "report" not in digest("example", [single])[1] + summary_markdown(first) + slack_event(single)


@pytest.mark.parametrize("name", HOSTILE)
def test_markdown_shows_names_as_code_only(name: str):
    single, first = message_of(called(name))
    for text in (event_markdown(single), summary_markdown(first)):
        shown = re.sub(
            r"<code>[^<>]*</code>|`[\w .,:;=()+/%→×–−-]+`|\]\(https://(ann\.github\.test|example\.org)[^)]*\)", "", text
        )
        fences = re.findall(r"```sh\n([^`\n]*)\n```", shown)
        shown = re.sub(r"```sh\n[^`\n]*\n```", "", shown)
        assert not re.search(r"[@!<]|evil|alert|\[click|--", shown.replace("| --- | --- |", "")), shown
        assert all(command.startswith(("tbp ", "git ")) for command in fences)
        assert len(text) < 20_000
    for title in (issue_title(single), summary_title(first)):
        assert len(title) <= 200
        assert not re.search(r"[@#`<>\n\r\x00-\x1f]", title)


@pytest.mark.parametrize("name", HOSTILE)
def test_slack_gets_no_mention_and_no_link_of_a_stranger(name: str):
    for text in map(str, (slack_event(message_of(called(name))[0]), slack_summary(message_of(called(name))[1]))):
        content = json.loads(text)
        blocks = [block["text"] for block in content["blocks"]]
        assert len(blocks) <= 50
        assert all(0 < len(block["text"]) <= (150 if block["type"] == "plain_text" else 3_000) for block in blocks)
        for shown in (content["text"], *(block["text"] for block in blocks)):
            assert "@" not in shown
            assert set(re.findall(r"<(?=\S)(.)", shown)) <= {"h"}
            linked = re.findall(r"<([^>|]*)\|(\w+)>", shown)
            assert all(href.startswith(("https://ann.github.test/", "https://example.org/")) for href, _ in linked)
        marked = [block for block in blocks if block["type"] == "mrkdwn"]
        assert all(block["verbatim"] for block in marked)
        for block in marked:
            outside = re.sub(r"`[^`]*`", "", block["text"])
            assert not re.search(r"evil|tada|bold|alert", outside)
            assert block["text"].count("`") % 2 == 0


@pytest.mark.parametrize("name", HOSTILE)
def test_an_email_has_its_own_headers_only(name: str):
    single, first = message_of(called(name))
    for subject, body in (digest(name, [single]), digest(name, [], first)):
        parsed = message_from_string(email(subject, body))
        assert parsed.keys() == ["Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
        assert len(str(make_header(decode_header(parsed["Subject"])))) < 300
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", body)
        assert max(map(len, body.splitlines())) < 2_000


@pytest.mark.parametrize("name", HOSTILE)
def test_json_is_as_its_schema_says_and_shows_no_mention(name: str):
    from ..test_schemas import faults

    data = report(called(name))
    for message in message_of(called(name)):
        text = as_text(payload_of(message, data))
        assert text.isascii()
        content = json.loads(text)
        assert not re.search(r"@|<\S", content["title"] + content["text"])
        assert faults("notification", text) == []


def test_a_mark_is_known_again_and_a_strangers_is_not():
    event = ToldEvent("e1", frozenset(), {})
    mark = mark_of([event], Fate.STANDS, "facts", "title")
    body = body_with(mark, "text\n<!-- no mark -->")
    assert (mark_in(body), text_in(body)) == (mark, "text\n<!-- no mark -->")
    assert mark_in("<!-- tbp:events 1 e30= -->") is None
    again = body_with(replace(mark, fate=Fate.RECOVERED), f"tbp ack 'a {END}'", f"before {body} after")
    again = body_with(replace(mark, fate=Fate.RECOVERED), "new", again)
    assert (again.startswith("before <!-- tbp:events"), again.endswith("<!-- tbp:end --> after")) == (True, True)
    assert (text_in(again), again.count(END)) == ("new", 1)


def test_a_body_fits_whatever_it_tells_and_whatever_people_wrote():
    event = ToldEvent("e1", frozenset(), {})
    mark = mark_of([event], Fate.STANDS, "facts", "title")
    body = body_with(mark, "line\n" * 20_000)
    assert len(body) <= 65_000
    assert mark_in(body) == mark
    assert "cut: an issue has a limit" in body


def test_a_large_event_has_a_mark_that_fits():
    several = [
        replace(history(changes=(change(3, 1e-3, 1.2e-3),)), key=SeriesKey(f"suite.time_{number}", (), "box", "env"))
        for number in range(1_500)
    ]
    from tbp.notify.news import noted

    data = report(*several)
    (event,) = standing(data)
    (told,) = noted(ToldNote(), event, "x").events.values()
    assert len(told.changes) == 1_500
    body = body_with(
        mark_of([told], Fate.STANDS, "", ""), event_markdown(MessageSource(data).message(event, ToldNote()))
    )
    mark = mark_in(body)
    assert mark is not None
    assert len(mark.told[0].changes) == 500
    assert "and 1,480 more series" in body


def test_states_that_are_no_regression_are_in_no_message():
    data = report(history(state=State.NO_CHANGE), history((1e-3,) * 5, State.SUSPECT, benchmark="x"))
    assert standing(data) == ()
