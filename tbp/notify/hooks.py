"""Targets that get one message for each new event: a webhook, Slack's, the comments on commits, or stdout.

Takes what is new, sends it, and writes the note after every message that arrived: whatever ends this, a repeat sends
the rest. A message that was taken while its answer was lost comes again with the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct, field

from tbp.errors import NotDelivered
from tbp.nightly.told import ToldNote
from tbp.nightly.told_file import OpenNote
from tbp.notify.issue_text import event_markdown
from tbp.notify.messages import EventMessage, Events, MessageSource, SummaryKind, SummaryMessage, parted
from tbp.notify.news import brought_up_to_date, by_digest, news, noted
from tbp.notify.payload import Json, as_text, event_payload, summary_payload
from tbp.notify.slack import slack_event, slack_summary
from tbp.project.git import HASH
from tbp.report.base.report_data import ReportData
from tbp.report.parts.standing import StandingEvent
from tbp.web.github import GitHub
from tbp.web.http import Request, Response, WebClock, send
from tbp.web.secret import Secret, masked, shown_address
from tbp.web.sticky import upsert_comment

Message: TypeAlias = EventMessage | SummaryMessage

_REFUSALS = {
    401: "check the token",
    403: "the webhook may not write there; make a new one",
    404: "there is no such webhook any more; make a new one",
    410: "the channel or the webhook was closed; make a new one",
    413: "the message is too long for it",
}


class HookTarget(Struct, frozen=True):
    """A target of messages."""

    name: str  # in the note
    address: str  # as a person may see it
    form: Callable[[Message, ReportData], str]  # the content
    post: Callable[[str, Message], None]  # sends the content of a message; raises NotDelivered
    has_summaries: bool = True  # False: it has no place for a message on several events

    def send(self, message: Message, data: ReportData) -> None:
        """Sends one message. Raises NotDelivered."""
        self.post(self.form(message, data), message)


class Tidings(Struct, frozen=True):
    """Every event that stands, for targets that may not know it, and where its words come from."""

    source: MessageSource
    events: Events  # the oldest first
    is_each: bool = False  # tell a new target of every event that stands, one by one

    @property
    def data(self) -> ReportData:
        return self.source.data

    def current(self, opened: OpenNote, target: str) -> None:
        """Brings the note up to date for ``target``, without writing it."""
        histories, note = by_digest(self.data.histories), opened.note
        for is_better in (False, True):
            events = [event for event, merit in self.events if merit is is_better]
            note = brought_up_to_date(note, target, events, histories, is_better)
        opened.note = note

    def fresh(self, opened: OpenNote, target: str) -> list[tuple[StandingEvent, bool]]:
        """The events that ``target`` does not know."""
        return [(event, merit) for event, merit in self.events if news([event], opened.note, target, merit)]


def tell(target: HookTarget, tidings: Tidings, opened: OpenNote, arrived: Callable[[Message], None]) -> None:
    """Sends what ``target`` does not know yet, each message once, and notes it. Raises NotDelivered, OSError."""
    tidings.current(opened, target.name)
    fresh = tidings.fresh(opened, target.name)
    if target.name not in opened.note.targets and len(fresh) > 1 and not tidings.is_each:
        worse = [(event, merit) for event, merit in fresh if not merit]
        if target.has_summaries and worse:
            _send(target, tidings, tidings.source.summary(SummaryKind.STANDING, worse, opened.note), arrived)
        opened.write(_all_noted(opened.note, fresh, target))
        return
    alone, together = parted(fresh)
    for event, merit in alone:
        _send(target, tidings, tidings.source.message(event, opened.note, merit), arrived)
        opened.write(noted(opened.note, event, target.name, merit))
    if target.has_summaries and together:  # else they are still new to the next run
        _send(target, tidings, tidings.source.summary(SummaryKind.MORE, together, opened.note), arrived)
        opened.write(_all_noted(opened.note, together, target))
    opened.write(opened.note.with_events((), target.name))


def _send(target: HookTarget, tidings: Tidings, message: Message, arrived: Callable[[Message], None]) -> None:
    target.send(message, tidings.data)
    arrived(message)


def _all_noted(note: ToldNote, events: Events, target: HookTarget) -> ToldNote:
    for event, merit in events:
        note = noted(note, event, target.name, merit)
    return note


class HookAddress(Struct, frozen=True):
    """An address that takes messages, and what goes with each."""

    address: Secret
    variable: str  # where it comes from
    token: Secret | None = None
    clock: WebClock = field(default_factory=WebClock)

    def post(self, content: str, message: Message) -> None:
        """Sends ``content``, JSON, with a key by which a repeat is known. Raises NotDelivered unless it was taken."""
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.id,
        }
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        secrets = tuple(filter(None, (self.address, self.token)))
        response = send(Request("POST", self.address.reveal(), content.encode(), headers, secrets), self.clock)
        if not response.is_ok:
            raise NotDelivered(masked(self._refusal(response), *secrets), response.status)

    def _refusal(self, response: Response) -> str:
        step = _REFUSALS.get(response.status, "check the address")
        if response.is_busy:
            step = "run it again later, and it sends the rest"
        reason = f" ({response.text})" if response.text else ""
        return f"{shown_address(self.address)} answers {response.status}{reason}: {step} ({self.variable})"


def slack_target(name: str, hook: HookAddress) -> HookTarget:
    """A Slack-compatible incoming webhook."""

    def form(message: Message, data: ReportData) -> str:
        return slack_event(message) if isinstance(message, EventMessage) else slack_summary(message)

    return HookTarget(name, shown_address(hook.address), form, hook.post)


def webhook_target(name: str, hook: HookAddress) -> HookTarget:
    """A webhook that takes tbp's JSON."""

    def form(message: Message, data: ReportData) -> str:
        return as_text(payload_of(message, data))

    return HookTarget(name, shown_address(hook.address), form, hook.post)


def comment_target(github: GitHub) -> HookTarget:
    """Comments on the newest commit of each event's range."""

    def form(message: Message, data: ReportData) -> str:
        return event_markdown(message) if isinstance(message, EventMessage) else message.sentence

    def post(content: str, message: Message) -> None:
        if isinstance(message, EventMessage):
            commit = message.standing.event.range.first.hash
            if not HASH.fullmatch(commit):  # of a result whose commit git does not know: it may be any path
                return
            upsert_comment(github, f"/commits/{commit}/comments", f"<!-- tbp-event {message.id} -->", content)

    name = f"github-comment:{github.project}"
    return HookTarget(name, f"the commits of {github.project}", form, post, has_summaries=False)


def payload_of(message: Message, data: ReportData) -> dict[str, Json]:
    """The message as JSON has it."""
    return event_payload(message, data) if isinstance(message, EventMessage) else summary_payload(message, data)
