"""The answer of a report in one sentence: how much is new, and how much stands.

Takes ``ReportData``, gives a sentence and the events that it counts. Pages, summary.json and the terminal have it from
here, so all of them count the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from tbp.history.states import ENOUGH_RUNS, ENOUGH_RUNS_WITH_SESSIONS, ENOUGH_SESSIONS
from tbp.model.changes import State
from tbp.model.points import columns
from tbp.report.base.report_data import ReportData
from tbp.report.parts.addresses import HASH
from tbp.report.parts.series_order import ranked
from tbp.report.parts.standing import BETTER, WORSE, StandingEvent, series_in, standing_events
from tbp.report.parts.windows import NewsWindow, usual
from tbp.wording import verdicts, words

_SILENT = (
    (State.SUSPECT, "is suspect", "are suspect"),
    (State.FAILED, "failed", "failed"),
    (State.NOT_ENOUGH_DATA, "has too few runs to tell", "have too few runs to tell"),
)
"""States that may hide a regression, in words for one series and for several."""


class Answer(Struct, frozen=True, dict=True):
    """The events of a report, and which of them are new in its usual window."""

    data: ReportData
    events: tuple[StandingEvent, ...]  # with a regression or a change of unknown merit that stands, the new ones first
    better: tuple[StandingEvent, ...]  # with an improvement that stands, newest first
    window: NewsWindow | None  # None: nothing was measured

    @cached_property
    def new(self) -> tuple[StandingEvent, ...]:
        """The new ones of ``events``."""
        return self.within(self.window)

    @cached_property
    def standing(self) -> int:
        """The number of series in which a regression stands."""
        return sum(history.state is State.REGRESSION for history in self.data.histories)

    @cached_property
    def standing_from(self) -> int:
        """The number of events with a regression that stands: a series may have several, an event several series."""
        return sum(bool(standing.of(State.REGRESSION)) for standing in self.events)

    @cached_property
    def changed(self) -> int:
        """The number of series that changed, nobody knows whether for better or worse."""
        return sum(history.state is State.CHANGED for history in self.data.histories)

    @cached_property
    def worse_of(self) -> Mapping[int, StandingEvent]:
        """``events`` by the identity of their events, which hold whole histories."""
        return {id(standing.event): standing for standing in self.events}

    @cached_property
    def better_of(self) -> Mapping[int, StandingEvent]:
        """``better`` as ``worse_of``."""
        return {id(standing.event): standing for standing in self.better}

    @property
    def sentence(self) -> str:
        """``2 new regressions in the 7 days to 2026-05-05, from 1 commit; 156 stand.``"""
        return self.sentence_on(self.window)

    def within(self, window: NewsWindow | None) -> tuple[StandingEvent, ...]:
        """The events that are new in ``window``."""
        return tuple(standing for standing in self.events if window is not None and window.has(standing.event))

    def better_within(self, window: NewsWindow | None) -> int:
        """The series that are better since ``window`` began."""
        return series_in((event for event in self.better if window is not None and window.has(event.event)), *BETTER)

    def sentence_on(self, window: NewsWindow | None) -> str:
        """The sentence for ``window``; where there are no verdicts, why there are none."""
        if window is None or not has_verdicts(self.data):
            return self.data.since_base(verdicts.verdict(ranked(self.data.histories)))
        sentence = _sentence(self.within(window), window.words, self)
        return self.data.since_base(f"{sentence}{self.silent}.")

    @property
    def silent(self) -> str:
        """``; 2 of 36 series failed; 23 have too few runs to tell``: silence is no health. Empty with a regression."""
        counts = {} if self.standing else verdicts.tally(self.data.histories)
        of = f" of {words.count(len(self.data.histories), 'series', 'series')}"
        text = ""
        for state, singular, plural in _SILENT:
            if number := counts.get(state, 0):
                text += f"; {number:,}{of} {singular if number == 1 else plural}"
                of = ""
        return text


def answer(data: ReportData) -> Answer:
    """The answer of ``data``."""
    worse, better = (standing_events(data.histories, data.event_of, *states) for states in (WORSE, BETTER))
    window = usual(data)
    if window is not None:  # which may begin in the middle of a day
        worse = tuple(sorted(worse, key=lambda standing: not window.has(standing.event)))
    return Answer(data, worse, better, window)


def too_few(data: ReportData) -> str:
    """A sentence, without its stop, on the runs that decide on series with too few; empty where there are none.

    A gate needs no history: it measures the two newest commits in turns.
    """
    number = sum(history.state is State.NOT_ENOUGH_DATA for history in data.histories)
    if not number:
        return ""
    wanted = (
        f"{words.count(number, 'series', 'series')} {'has' if number == 1 else 'have'} too few runs to tell: "
        f"{ENOUGH_RUNS} of each are wanted"
    )
    if any(columns(history.points).sessions for history in data.histories):
        wanted += f", or {ENOUGH_RUNS_WITH_SESSIONS} with {ENOUGH_SESSIONS} sessions each"
    newest = [commit.short for commit in data.commits[-2:] if HASH.fullmatch(commit.hash)]
    return f"{wanted}; `tbp gate {' '.join(newest)}` decides today" if len(newest) == 2 else wanted


def has_verdicts(data: ReportData) -> bool:
    """False where no series was measured often enough to say anything of it."""
    return any(history.state in verdicts.SETTLED for history in data.histories)


def _sentence(new: Sequence[StandingEvent], when: str, of: Answer) -> str:
    """The sentence on ``new`` events, without its stop; ``when`` is empty where all of them are."""
    standing = of.standing
    worse, other = series_in(new, State.REGRESSION), series_in(new, State.CHANGED)
    commits = sum(bool(event.of(State.REGRESSION)) for event in new)
    if not when:
        first = f"{words.count(standing, 'regression')} {'stands' if standing == 1 else 'stand'}"
        first = first if standing else "No regression stands"
        return f"{first}{_from(commits)}{_changed(of.changed, '')}"
    counted = words.count(worse, "new regression") if worse else "No new regression"
    still = f"{standing:,} {'stands' if standing == 1 else 'stand'}" if standing else "none stands"
    # Series are counted here, and events are listed: both are said where they are not as many and not all of them new.
    still_from = _from(of.standing_from) if of.standing_from not in (standing, commits) else ""
    return f"{counted} {when}{_from(commits)}; {still}{still_from}{_changed(other, 'newly ')}"


def _from(commits: int) -> str:
    """An event is what one commit did, also where several may be that one."""
    return f", from {words.count(commits, 'commit')}" if commits else ""


def _changed(number: int, newly: str) -> str:
    return f"; {words.count(number, 'series', 'series')} {newly}changed, for better or worse" if number else ""
