"""News as the text of an e-mail: headers, an empty line, and lines of plain text that a terminal shows as well.

Takes messages, gives text that ``sendmail -t`` takes once somebody adds a ``To:``, and ``sendmail ADDRESS`` as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.header import Header

from tbp.notify.messages import EventMessage, SummaryMessage, flat, title
from tbp.wording import words

MOST_HEADER_LINE = 75
"""Characters of a line of a header (RFC 2047)."""

MOST_LINE = 900
"""Characters of a line: servers take 998 bytes."""


def email(subject: str, body: str) -> str:
    """A message with ``subject``; line ends are those of this system."""
    line = words.one_line(subject)
    header = line if line.isascii() else Header(line, "utf-8", MOST_HEADER_LINE, "Subject").encode()
    kind = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit"
    return f"Subject: {header}\n{kind}\n\n{body}\n"


def digest(project: str, messages: Sequence[EventMessage], summary: SummaryMessage | None = None) -> tuple[str, str]:
    """The subject and the body of one e-mail on all ``messages``, and on what ``summary`` has."""
    name = words.cut(words.one_line(project), 60)
    parts, subjects = [event_text(message) for message in messages], [_subject(messages)]
    if summary is not None:
        parts.append(summary_text(summary))
        subjects.append(summary.sentence)
    subject = ", ".join(filter(None, subjects))
    return f"[{name}] {words.cut(subject, 200)}", "\n\n".join(parts)


def _subject(messages: Sequence[EventMessage]) -> str:
    """A subject on ``messages``; empty where there are none."""
    if len(messages) == 1:
        return flat(title(messages[0])).removeprefix("▲ ").removeprefix("▼ ")
    worse = sum(not message.is_better for message in messages)
    kinds = (
        (worse, "event with regressions", "events with regressions"),
        (len(messages) - worse, "improvement", None),
    )
    return ", ".join(words.count(number, one_word, more) for number, one_word, more in kinds if number)


def event_text(message: EventMessage) -> str:
    """The event in lines."""
    lines = [flat(message.headline), flat(message.cause), ""]
    lines += [f"  {flat(row.series)}: {row.moved}" for row in message.rows]
    lines += [f"  and {words.count(message.left_out, 'more series', 'more series')}"] if message.left_out else []
    lines += ["", *(f"{words.one_line(fact.text)}" for fact in message.facts)] if message.facts else []
    if message.commands:
        lines += ["", *(f"{command.text}\n    {command.purpose}" for command in message.commands)]
    links = [("commit", message.commit_href), ("report", message.report)]
    if any(href for _, href in links):
        lines += ["", *(f"{name}: {href}" for name, href in links if href)]
    return "\n".join(line if "\n" in line else words.cut(line, MOST_LINE) for line in lines)


def summary_text(message: SummaryMessage) -> str:
    """Several events, in lines."""
    lines = [f"{message.sentence}. {message.remark}", ""]
    lines += [f"  {flat((*event.headline, ' ', *event.cause))}" for event in message.events]
    lines += [f"  and {words.count(message.left_out, 'more event')}"] if message.left_out else []
    lines += ["", f"report: {message.report}"] if message.report else []
    return "\n".join(words.cut(line, MOST_LINE) for line in lines)
