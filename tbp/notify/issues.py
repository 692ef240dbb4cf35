"""One issue for each event: opened, kept up to date, closed when nothing of it stands, reopened when it comes back.

Takes what stands, the note, and the issues that there are. An issue is known by the note or by its hidden mark, so that
a lost note opens none twice. What people close stays closed, what they write stays, and a title they change is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tbp.model.changes import History
from tbp.model.series import SeriesKey
from tbp.nightly.told import Fate, Reported, ToldEvent, ToldNote, fate, told_before
from tbp.nightly.told_file import OpenNote
from tbp.notify.hooks import Tidings
from tbp.notify.issue_text import (
    IssueMark,
    body_with,
    digest,
    ended,
    event_markdown,
    issue_title,
    mark_in,
    mark_of,
    summary_markdown,
    summary_title,
    text_in,
)
from tbp.notify.messages import SummaryKind, parted
from tbp.notify.news import by_digest, noted
from tbp.notify.tracker import TrackedIssue, Tracker
from tbp.report.parts import event_words, triage_words
from tbp.report.parts.standing import StandingEvent
from tbp.wording import words

Heard = Callable[[str], None]

MOST_SHARED = 200
"""Events of one issue: its mark names each of them, in 35 kB of the 65 kB of an issue. Further ones are new to the next
run."""


class IssueState(Struct, frozen=True):
    """An issue with its mark."""

    issue: TrackedIssue
    mark: IssueMark


class IssueText(Struct, frozen=True):
    """The content that an issue is to have."""

    title: str
    body: str  # tbp's part, without its marks
    facts: str  # digest of series and commits
    triage: str  # digest of the rest that is worth writing the text anew
    change: str  # the newest of it in a sentence, for a comment
    summary: SummaryKind | None = None  # of one on several events

    @property
    def all_facts(self) -> str:
        return f"{self.facts} {self.triage}"


def keep_issues(tracker: Tracker, tidings: Tidings, opened: OpenNote, heard: Heard) -> None:
    """Brings the issues up to date with what stands. Raises NotDelivered; what was done by then is noted."""
    run = _Run(tracker, tidings, opened, heard)
    run.look()
    run.update()
    run.open_new()


class _Run(Struct):
    """One run over the issues of a tracker."""

    tracker: Tracker
    tidings: Tidings
    opened: OpenNote
    heard: Heard
    known: dict[int, IssueState] = {}

    @property
    def _target(self) -> str:
        return self.tracker.name

    @property
    def _note(self) -> ToldNote:
        return self.opened.note

    def look(self) -> None:
        """Reads the issues, and takes into the note what their marks have and it has not."""
        self.tidings.current(self.opened, self._target)
        numbers = {event.to[self._target].number for event in self._note.events.values() if self._target in event.to}
        for issue in sorted(self.tracker.listed(), key=lambda issue: issue.number):
            mark = mark_in(issue.body)
            if mark is not None and (issue.is_own or issue.number in numbers):
                self.known[issue.number] = IssueState(issue, mark)
                self._take(issue.number, mark)
        for number in sorted(numbers - set(self.known) - {0}):
            lost = self.tracker.issue(number)  # its label was taken off, or it was deleted
            if lost is not None and (mark := mark_in(lost.body)) is not None:
                self.known[number] = IssueState(lost, mark)
        self.opened.write(self._note)

    def _take(self, number: int, mark: IssueMark) -> None:
        """An event of several issues belongs to the oldest of them."""
        for event in mark.told:
            before = self._note.events.get(event.id, event)
            joined = replace(before, changes=before.changes | event.changes)
            if self._target not in joined.to or 0 < number < joined.to[self._target].number:
                joined = joined.with_delivery(self._target, mark.fate, number)
            self.opened.note = self._note.with_events([joined], self._target)

    def update(self) -> None:
        """Brings every issue that there is up to date."""
        of_issue: dict[int, list[StandingEvent]] = {}
        home: dict[str, int] = {}  # the issue of each told event that stands
        for event, is_better in self.tidings.events:
            several = [] if is_better else told_before(event.event, self._note)
            numbers = sorted(self._number(each) for each in several if self._number(each) in self.known)
            if numbers:
                of_issue.setdefault(numbers[0], []).append(event)
                home |= {each.id: numbers[0] for each in several}
                self.opened.note = noted(self._note, event, self._target, number=numbers[0])
        histories = by_digest(self.tidings.data.histories)
        for number, state in sorted(self.known.items()):
            if number in of_issue:
                self._keep_open(state, of_issue[number])
            elif elsewhere := {home[name] for name in state.mark.events if name in home}:
                self._close(state, Fate.DENIED, f"it is the same event as #{min(elsewhere)}")
            else:
                self._end(state, histories)
        self.opened.write(self._note)

    def open_new(self) -> None:
        """Opens an issue for each new event; one for all where tbp begins, and for what a run has beyond MOST_NEW."""
        fresh = [
            (event, is_better) for event, is_better in self.tidings.fresh(self.opened, self._target) if not is_better
        ]
        is_first = self._target not in self._note.targets and not self.tidings.is_each and len(fresh) > 1
        alone, together = ((), fresh) if is_first else parted(fresh)
        for event, _ in alone:
            self._open([event], self._text([event]))
        if shared := [event for event, _ in together[:MOST_SHARED]]:
            self._open(shared, self._text(shared, SummaryKind.STANDING if is_first else SummaryKind.MORE))
        self.opened.write(self._note.with_events((), self._target))
        if fresh:
            self._close_doubles()

    def _number(self, event: ToldEvent) -> int:
        delivery = event.to.get(self._target)
        return delivery.number if delivery is not None else 0

    def _open(self, events: Sequence[StandingEvent], text: IssueText) -> None:
        note = self._note
        for event in events:
            note = noted(note, event, self._target)
        of_issue = self._told(events, note)
        mark = mark_of(of_issue, Fate.STANDS, text.all_facts, text.title, text.summary)
        body = body_with(mark, text.body)
        number = self.tracker.open(text.title, body)
        for event in events:
            note = noted(note, event, self._target, number=number)
        self.opened.write(note)
        self.known[number] = IssueState(TrackedIssue(number, text.title, body, True, True), mark)
        self.heard(f"opened #{number}: {text.title}")

    def _close_doubles(self) -> None:
        """Closes issues of this run that another one opened at the same moment: the oldest of an event stays."""
        oldest: dict[str, int] = {}
        for issue in sorted(self.tracker.listed(), key=lambda issue: issue.number):
            mark = mark_in(issue.body)
            if mark is None or not issue.is_own or not issue.is_open:
                continue
            first = min((oldest.setdefault(name, issue.number) for name in mark.events), default=issue.number)
            if first != issue.number and issue.number in self.known:
                self._close(IssueState(issue, mark), Fate.DENIED, f"it is the same event as #{first}")
                events = [self._note.events[name] for name in mark.events if name in self._note.events]
                self.opened.write(
                    self._note.with_events(each.with_delivery(self._target, Fate.STANDS, first) for each in events)
                )

    def _keep_open(self, state: IssueState, events: Sequence[StandingEvent]) -> None:
        issue, mark = state.issue, state.mark
        is_back = not issue.is_open and mark.fate is not Fate.STANDS
        if not (issue.is_open or is_back):
            return  # somebody closed it
        text = self._text(events, mark.summary)
        if text.all_facts == mark.facts and mark.fate is Fate.STANDS:
            return
        self._write(state, text, events)
        if is_back:
            self._say(issue.number, f"It is back: {text.change}.", "reopened")
        elif mark.facts.split(" ")[0] != text.facts and text.summary is None:
            self._say(issue.number, f"Further runs show: {text.change}.", "updated")

    def _end(self, state: IssueState, histories: Mapping[str, History]) -> None:
        """Closes an issue of which nothing stands, and says why."""
        events = [self._note.events.get(event.id, event) for event in state.mark.told]
        fates = [fate(event, histories) for event in events]
        becomes = next((each for each in Fate if each in fates), Fate.UNKNOWN)
        if becomes in (Fate.ACCEPTED, Fate.RECOVERED, Fate.DENIED):
            self._close(state, becomes, self._reason(events, becomes, histories))

    def _reason(self, events: Sequence[ToldEvent], becomes: Fate, histories: Mapping[str, History]) -> str:
        """By whom it was accepted, or where the level came back."""
        for change in sorted(change for event in events for change in event.changes):
            history = histories.get(change.series)
            if history is None:
                continue
            if reason := _why(history, change, becomes):
                return reason
        return ""

    def _close(self, state: IssueState, becomes: Fate, reason: str) -> None:
        """Closes an issue that tbp has not left so already: somebody may have opened it again since."""
        if state.mark.fate is becomes:
            return
        issue, mark = state.issue, replace(state.mark, fate=becomes)
        self.tracker.edit(issue.number, issue.title, body_with(mark, text_in(issue.body), issue.body), becomes)
        if issue.is_open:
            self._say(issue.number, ended(becomes, reason), "closed")

    def _write(self, state: IssueState, text: IssueText, events: Sequence[StandingEvent]) -> None:
        """Writes an issue's text and mark anew; the title only where it is still tbp's."""
        is_ours = digest(state.issue.title) == state.mark.title and text.summary is None
        title = text.title if is_ours else state.issue.title
        several = {event.id: event for event in (*state.mark.told, *self._told(events, self._note))}
        mark = mark_of(list(several.values()), Fate.STANDS, text.all_facts, title, text.summary)
        mark = mark if is_ours else replace(mark, title=state.mark.title)
        self.tracker.edit(state.issue.number, title, body_with(mark, text.body, state.issue.body), Fate.STANDS)

    def _say(self, number: int, text: str, done: str) -> None:
        self.tracker.comment(number, text)
        self.heard(f"{done} #{number}")

    @staticmethod
    def _told(events: Sequence[StandingEvent], note: ToldNote) -> list[ToldEvent]:
        return [each for event in events for each in told_before(event.event, note)]

    def _text(self, events: Sequence[StandingEvent], summary: SummaryKind | None = None) -> IssueText:
        changes = [change for event in events for change in event.leading]
        moved = [(event_words.between(event.event.range), sorted(_keys(event))) for event in events]
        facts, triage = digest(repr(moved)), digest(triage_words.sentence(triage_words.notes(changes)))
        if summary is not None:
            message = self.tidings.source.summary(summary, [(event, False) for event in events], self._note)
            sentence = message.sentence
            return IssueText(summary_title(message), summary_markdown(message), facts, triage, sentence, summary)
        messages = [self.tidings.source.message(event, self._note) for event in events]
        largest = max(messages, key=lambda message: len(message.rows) + message.left_out)
        between = words.joined([commits for commits, _ in moved])
        change = f"{event_words.extent(changes)}, {between}"
        return IssueText(issue_title(largest), "\n\n".join(map(event_markdown, messages)), facts, triage, change)


def _keys(event: StandingEvent) -> list[SeriesKey]:
    return [change.history.key for change in event.leading]


def _why(history: History, change: Reported, becomes: Fate) -> str:
    balance = history.balance
    if balance is None:
        return ""
    if becomes is Fate.ACCEPTED:
        notes = [triage_words.triage_note(each.triage) for each in history.changes if each.triage is not None]
        return next((note.text for note in notes if note.is_accepting), "")
    if becomes is Fate.RECOVERED and balance.undone:
        _, by = balance.undone[-1]
        commit = history.commit_at(history.changes[by].change.index)
        return f"recovered at {commit.short}" if commit is not None else ""
    return ""
