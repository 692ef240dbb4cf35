"""The body of an issue or a comment on events, in Markdown, with the hidden mark by which it is known again.

tbp writes only between its two marks: what people write around them stays. The first one holds the told events, so that
an issue is found again when the note is lost, and what tbp did with it last, so that what people close stays closed.
Everything a stranger chose is code (``comparison.markdown.code``), in which there is neither a mention nor a comment.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from tbp.comparison.markdown import LIMIT, code
from tbp.nightly.told import Fate, ToldEvent
from tbp.nightly.told_file import ToldEventForm
from tbp.notify.messages import MOST_TITLE, EventMessage, Pieces, SummaryKind, SummaryMessage, flat, title
from tbp.notify.quoting import for_title
from tbp.system.foreign_json import value_in
from tbp.wording import words

END = "<!-- tbp:end -->"
_MARK = re.compile(r"<!-- tbp:events 1 ([A-Za-z0-9_-]+={0,2}) -->")
_BLOCK = re.compile(rf"{_MARK.pattern}\r?\n(?P<text>.*?){re.escape(END)}", re.DOTALL)
MOST_MARKED = 500
"""Changes in a mark: any of them is enough to know the event again. They take 25 kB of the 65 kB of an issue."""

MOST_MARK = 60_000  # characters that are read
_CUT = "\n\n(cut: an issue has a limit)"
_FATES = {
    Fate.ACCEPTED: "the project accepts it",
    Fate.RECOVERED: "the level before it is back",
    Fate.DENIED: "further runs do not show it any more",
}


class IssueMark(Struct, frozen=True):
    """The hidden part of an issue."""

    events: dict[str, ToldEventForm]  # told ones, by id
    fate: Fate  # that tbp left the issue with: open only where it STANDS
    facts: str  # digest of the series and commits in the text, and one of the rest: another one is a text anew
    summary: SummaryKind | None = None  # of an issue on several events
    title: str = ""  # digest of the title that tbp gave

    @property
    def told(self) -> tuple[ToldEvent, ...]:
        return tuple(form.event(name) for name, form in self.events.items())


def mark_of(
    events: Sequence[ToldEvent], fate: Fate, facts: str, title: str, summary: SummaryKind | None = None
) -> IssueMark:
    """The mark of an issue on ``events``, without what each was told to whom."""
    room = max(1, MOST_MARKED // max(1, len(events)))
    forms = {
        event.id: ToldEventForm.of(ToldEvent(event.id, frozenset(sorted(event.changes)[:room]), {}, event.is_better))
        for event in events
    }
    return IssueMark(forms, fate, facts, summary, digest(title))


def mark_in(body: str) -> IssueMark | None:
    """The mark in the body of an issue; None where there is none or it is damaged."""
    found_mark = _MARK.search(body[: 2 * LIMIT])
    if found_mark is None or len(found_mark[1]) > MOST_MARK:
        return None
    try:
        return value_in(base64.urlsafe_b64decode(found_mark[1]), IssueMark)
    except ValueError:  # binascii.Error is one
        return None


def body_with(mark: IssueMark, text: str, body: str = "") -> str:
    """``body`` with the mark and ``text`` in place of tbp's part of it, or before all of it; cut at LIMIT."""
    earlier = _BLOCK.search(body)
    before, after = (body[: earlier.start()], body[earlier.end() :]) if earlier else ("", f"\n\n{body}" if body else "")
    text = text.replace(END, "<!-- tbp: -->")  # a name in a command to copy may hold it
    hidden = base64.urlsafe_b64encode(msgspec.json.encode(asdict(mark))).decode()
    head = f"<!-- tbp:events 1 {hidden} -->\n"
    room = max(0, LIMIT - len(before) - len(head) - len(_CUT) - len(END) - len(after))
    if len(text) > room:
        text = f"{text[:room].rpartition(chr(10))[0]}{_CUT}"
    return f"{before}{head}{text}\n{END}{after}"


def text_in(body: str) -> str:
    """The text between tbp's marks."""
    block = _BLOCK.search(body)
    return block["text"].rstrip("\r\n") if block else ""


def issue_title(message: EventMessage) -> str:
    return words.cut(flat(title(message), for_title), MOST_TITLE)


def summary_title(message: SummaryMessage) -> str:
    where = " where tbp begins to watch" if message.kind is SummaryKind.STANDING else ""
    return words.cut(f"{message.sentence}{where}", MOST_TITLE)


def event_markdown(message: EventMessage) -> str:
    """The evidence on one event."""
    head = f"**{_bold(message.headline)}** {_linked(message)}\n"
    rows = ["| series | change |", "| --- | --- |"]
    rows += [f"| {flat(row.series, code)} | {_cell(row.moved)} |" for row in message.rows]
    more = [f"\nand {words.count(message.left_out, 'more series', 'more series')}"] if message.left_out else []
    facts = ["", *(f"- {code(fact.text.replace('`', ''), 400)}" for fact in message.facts)] if message.facts else []
    steps = [f"\n{command.purpose}:\n```sh\n{command.text}\n```" for command in message.commands]
    link = [f"\n[In the report]({_address(message.report)})"] if message.report else []
    return "\n".join([head, *rows, *more, *facts, *steps, *link])


def summary_markdown(message: SummaryMessage) -> str:
    """A list of several events."""
    rows = [f"- {_bold(event.headline)} {_linked(event)}" for event in message.events]
    more = [f"- and {words.count(message.left_out, 'more event')}"] if message.left_out else []
    link = [f"\n[The report]({_address(message.report)})"] if message.report else []
    return "\n".join([f"{message.sentence}. {message.remark}\n", *rows, *more, *link])


def ended(fate: Fate, reason: str = "") -> str:
    """A sentence on an issue that tbp closes; ``reason`` in place of that of one that is denied, as it is tbp's."""
    if fate is Fate.DENIED and reason:
        return f"Closed: {reason}."
    return f"Closed: {_FATES[fate]}.{f' {code(reason, 400)}' if reason else ''}"


def digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def _bold(pieces: Pieces) -> str:
    return flat(pieces, code).replace("~", "&#126;")


def _linked(message: EventMessage) -> str:
    link = f" ([commit]({_address(message.commit_href)}))" if message.commit_href else ""
    return f"{flat(message.cause, code)}{link}"


def _address(href: str) -> str:
    """``href`` where Markdown has an address, which ends with a parenthesis."""
    return quote(href, safe="/:?#&=%~+,;@!$")


def _cell(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "&#124;").replace("~", "&#126;")
