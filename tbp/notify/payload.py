"""A message as JSON for programs: ``tbp/schemas/notification.json`` describes it.

Names in ``event`` are as the project has them, for whoever looks something up; ``title`` and ``text`` are for showing,
and call nobody.
"""

from __future__ import annotations

from typing import TypeAlias

from tbp.history.events import SeriesChange
from tbp.model.series import Commit
from tbp.notify.messages import EventMessage, SummaryMessage, flat, title
from tbp.notify.quoting import quiet
from tbp.notify.text import event_text, summary_text
from tbp.report.base.report_data import ReportData
from tbp.report.parts import event_words, trace_words
from tbp.system.strict_json import strict_json

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

# The fields are documented in docs/how-to/notify.md; to rename or remove one is another format.
# 1: the first.
FORMAT = 1


def event_payload(message: EventMessage, data: ReportData) -> dict[str, Json]:
    """The message on an event."""
    event = message.standing.event
    before = event.range.last_before
    return {
        "format": FORMAT,
        "kind": "improvement" if message.is_better else "regression",
        "id": message.id,
        "project": data.project,
        "branch": data.branch,
        "title": flat(title(message), quiet),
        "text": _quiet(event_text(message)),
        "report": message.report or None,
        "event": {
            "first": _commit(event.range.first, message.commit_href),
            "last_before": _commit(before, "") if before is not None else None,
            "commits": event.range.commits,
            "authors": list[Json](event_words.authors(event, data.in_ranges, data.in_order.hashes)),
            "changes": [_change(change) for change in message.standing.leading],
            "facts": [fact.text for fact in message.facts],
            "next": [{"purpose": command.purpose, "command": command.text} for command in message.commands],
        },
    }


def summary_payload(message: SummaryMessage, data: ReportData) -> dict[str, Json]:
    """The message on several events."""
    return {
        "format": FORMAT,
        "kind": message.kind.value,
        "id": message.id,
        "project": data.project,
        "branch": data.branch,
        "title": f"{quiet(data.project)}: {message.sentence}",
        "text": _quiet(summary_text(message)),
        "report": message.report or None,
        "events": [event_payload(event, data) for event in message.events],
        "left_out": message.left_out,
    }


def as_text(payload: Json) -> str:
    """JSON in ASCII, null for NaN and infinities."""
    return strict_json(payload, indent=1)


def _change(member: SeriesChange) -> Json:
    history, change = member.history, member.evidence.change
    return {
        "benchmark": history.key.benchmark,
        "parameters": [list[Json](pair) for pair in history.key.parameters],
        "machine": history.key.machine,
        "environment": history.key.environment,
        "unit": history.unit,
        "before": change.before,
        "after": change.after,
        "effect": change.effect,
        "low": change.low,
        "high": change.high,
        "p_value": change.p_value,
        "in_turns": change.in_turns or None,
        "operators": list[Json](trace_words.causes(member.evidence, history.unit)),
    }


def _commit(commit: Commit, href: str) -> Json:
    return {
        "commit": commit.hash, "date": commit.date.isoformat(), "subject": commit.subject, "author": commit.author,
        "href": href or None,
    }  # fmt: skip


def _quiet(text: str) -> str:
    return "\n".join(f"{' ' * (len(line) - len(line.lstrip()))}{quiet(line)}" for line in text.split("\n"))
