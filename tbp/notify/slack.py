"""A message for a Slack-compatible incoming webhook: blocks for Slack, and a text for whoever shows only that.

Mattermost, Rocket.Chat and Discord (``/slack``) take the text. Nothing in it is a mention, and no address of a stranger
becomes a link. https://docs.slack.dev/reference/block-kit
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from tbp.notify.messages import EventMessage, SummaryMessage, flat, title
from tbp.notify.quoting import quiet, slack_code, slack_text
from tbp.system.strict_json import strict_json
from tbp.wording import words

MOST_SECTION = 3_000  # characters of a block's text
MOST_HEADER = 150
MOST_LINES = 8  # series or events in a message; a screen shows about as many
_SAFE = "/:?#[]@!$&'()*+,;=%~"


def slack_event(message: EventMessage) -> str:
    """The payload on an event, as JSON."""
    rows = [f"• {flat(row.series, slack_code)}: {slack_text(row.moved)}" for row in message.rows[:MOST_LINES]]
    left_out = message.left_out + max(0, len(message.rows) - MOST_LINES)
    rows += [f"and {left_out:,} more series"] if left_out else []
    links = [("commit", message.commit_href), ("report", message.report)]
    linked = " · ".join(f"<{quote(href, safe=_SAFE)}|{name}>" for name, href in links if href)
    sections = [
        f"{flat(message.cause, slack_code)}",
        _lines(rows),
        _lines([slack_code(fact.text) for fact in message.facts]),
        _lines([f"{command.purpose}: {slack_code(command.text)}" for command in message.commands]),
        linked,
    ]
    fallback = _lines([flat((*message.headline, " ", *message.cause), slack_code), *rows[:3], linked])
    return _payload(flat(title(message), quiet), sections, fallback)


def slack_summary(message: SummaryMessage) -> str:
    """The payload on several events, as JSON."""
    rows = [f"• {flat((*event.headline, ' ', *event.cause), slack_code)}" for event in message.events[:MOST_LINES]]
    left_out = message.left_out + max(0, len(message.events) - MOST_LINES)
    rows += [f"and {words.count(left_out, 'more event')}"] if left_out else []
    sections = [message.remark, _lines(rows)]
    sections += [f"<{quote(message.report, safe=_SAFE)}|report>"] if message.report else []
    heading = f"{quiet(message.project.text)}: {message.sentence}"
    return _payload(heading, sections, _lines([f"{slack_code(message.project.text)}: {message.sentence}", *rows]))


def _lines(lines: Sequence[str]) -> str:
    """As many whole ``lines`` as a block takes."""
    text = ""
    for line in filter(None, lines):
        if len(text) + len(line) + 1 > MOST_SECTION:
            break
        text += f"\n{line}" if text else line
    return text


def _payload(heading: str, sections: Sequence[str], fallback: str) -> str:
    header = {"type": "plain_text", "text": words.cut(heading, MOST_HEADER), "emoji": False}
    blocks: list[object] = [{"type": "header", "text": header}]
    blocks += [
        {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}} for text in sections if text
    ]
    content = {"text": fallback, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}
    return strict_json(content, indent=1)
