"""A run of ``tbp notify``: what stands, told to every target that does not know it yet.

Takes a request and a results folder, gives what was delivered. The note is written after each message, for each target
by itself: where one fails, the others are told, and a repeat sends the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct, field

from tbp.asv.sources import Where
from tbp.errors import NotDelivered, UsageError
from tbp.nightly.told_file import OpenNote, open_note, read_note
from tbp.notify.hooks import HookTarget, Message, Tidings, payload_of, tell
from tbp.notify.issues import keep_issues
from tbp.notify.messages import EventMessage, MessageSource, SummaryMessage, flat, title
from tbp.notify.news import standing
from tbp.notify.payload import FORMAT, Json
from tbp.notify.targets import Environment, TargetChoice, hooks, trackers
from tbp.notify.text import digest, email
from tbp.project.asv_config import AsvConfig, own_config, results_folder
from tbp.report.base.report_data import ReportData
from tbp.report.parts.standing import StandingEvent
from tbp.report.site.load import View, report_data
from tbp.system.printing import warn
from tbp.system.strict_json import strict_json

TEXT = "text"
"""The target that is told on stdout."""


class NotifyRequest(Struct, frozen=True):
    """The wishes of a command line."""

    choice: TargetChoice
    is_sent: bool = False  # False: a dry run
    has_improvements: bool = False
    is_each: bool = False
    report_url: str = ""
    acks: Path | None = None
    base: str = ""


class Delivered(Struct):
    """The messages of a run, and whom they reached."""

    is_sent: bool
    lines: list[str] = field(default_factory=list)  # one for each message, and of a dry run its content
    failures: list[str] = field(default_factory=list)
    text: str = ""  # of the e-mail
    targets: dict[str, list[str]] = field(default_factory=dict)  # ids of the messages
    messages: dict[str, dict[str, Json]] = field(default_factory=dict)  # payloads by id

    def arrived(self, target: str, data: ReportData, message: Message) -> None:
        """Takes a message that ``target`` has got, or would get."""
        self.targets.setdefault(target, []).append(message.id)
        self.messages[message.id] = payload_of(message, data)
        if self.is_sent and target != TEXT:
            heading = flat(title(message)) if isinstance(message, EventMessage) else message.sentence
            self.lines.append(f"{target}: {heading}")


Printed = Callable[[Delivered], None]


def deliver(
    request: NotifyRequest,
    config: AsvConfig | None,
    results: Where | None,
    environment: Environment,
    printed: Printed,
) -> Delivered:
    """Tells every target of ``request``; ``printed`` gets the outcome before what stdout was told is noted.

    Raises UsageError, NothingMeasured and OSError; what a target did not take is among the failures.
    """
    delivered = Delivered(request.is_sent)
    shown = None if request.is_sent else delivered.lines.append
    messages, issues = hooks(request.choice, environment, shown), trackers(request.choice, environment, shown)
    data = report_data(config, results, View(request.acks, request.base))
    tidings = Tidings(MessageSource(data, request.report_url), _events(data, request), request.is_each)
    with _opened(_folder_of_note(config, results), request.is_sent) as opened:
        for hook in messages:
            with _noting(hook.name, delivered):
                tell(hook, tidings, opened, partial(delivered.arrived, hook.name, data))
        for tracker in issues:
            with _noting(tracker.name, delivered):
                keep_issues(tracker, tidings, opened, delivered.lines.append)
        if request.choice.is_any:
            printed(delivered)
        else:
            _tell_stdout(tidings, opened, delivered, printed)
    return delivered


def _events(data: ReportData, request: NotifyRequest) -> list[tuple[StandingEvent, bool]]:
    better = standing(data, is_better=True) if request.has_improvements else ()
    return [*((event, False) for event in standing(data)), *((event, True) for event in better)]


def _folder_of_note(config: AsvConfig | None, results: Where | None) -> Path:
    """The folder with the note of who was told: that of the results; of a store, the project's own results folder."""
    if results is None or isinstance(results, Path):
        return results_folder(config, results)
    project = own_config(config, results)
    if project is None:
        raise UsageError(
            "who was told is noted in the results_dir of the project: name its asv.conf.json with --config"
        )
    return project.results_dir


@contextmanager
def _opened(folder: Path, is_sent: bool) -> Iterator[OpenNote]:
    """The note; of a dry run a copy. Raises OSError before anything is sent where it cannot be kept."""
    if not is_sent:
        yield OpenNote(read_note(folder))
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open_note(folder, lambda: warn("tbp: another process changes the note; this one waits")) as opened:
        opened.write_anew()
        yield opened


@contextmanager
def _noting(target: str, delivered: Delivered) -> Iterator[None]:
    """A block whose failure to deliver ends itself only."""
    try:
        yield
    except NotDelivered as error:
        delivered.failures.append(f"{target}: {error}")


def _tell_stdout(tidings: Tidings, opened: OpenNote, delivered: Delivered, printed: Printed) -> None:
    """One e-mail on all that is new; nothing where nothing is."""
    copy, messages = OpenNote(opened.note), list[Message]()
    target = HookTarget(TEXT, "stdout", lambda message, data: "", lambda content, message: messages.append(message))
    tell(target, tidings, copy, partial(delivered.arrived, TEXT, tidings.data))
    if messages:
        summary = next((message for message in messages if isinstance(message, SummaryMessage)), None)
        events = [message for message in messages if isinstance(message, EventMessage)]
        delivered.text = email(*digest(tidings.data.project, events, summary))
    printed(delivered)
    opened.write(copy.note)


def as_json(delivered: Delivered) -> str:
    """The messages and whom they reached, as JSON; ``tbp/schemas/notify.json`` describes the messages."""
    content = {
        "format": FORMAT,
        "is_sent": delivered.is_sent,
        "targets": dict(delivered.targets),
        "failures": delivered.failures,
        "messages": list(delivered.messages.values()),
    }
    return f"{strict_json(content, indent=1)}\n"
