"""The data that pages are rendered from: histories, where they came from, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property

from msgspec import Struct, field

from tbp.history.events import Event, events
from tbp.history.machine_wide_changes import AtOnce, at_once
from tbp.history.ranges import CommitOrder, Range, range_of
from tbp.model.changes import ChangeEvidence, History, LineRuns
from tbp.model.runs import Machine, Run
from tbp.model.series import Commit, SeriesKey, Setup, Tag
from tbp.project.acknowledgements import Ack
from tbp.project.claims_file import ClaimsFile
from tbp.wording import words
from tbp.wording.machine_names import faces


class Base(Struct, frozen=True):
    """The revision that the report judges against: only changes after it count."""

    revision: str  # as the user wrote it
    commit: Commit  # its commit, or the nearest before it that has a result


class Since(Struct, frozen=True):
    """The time that the reader asks for news of: changes after it are called new."""

    text: str  # as the user wrote it
    moment: datetime
    days: int = 0  # where it is a number of days up to the newest result; else 0


class ReportData(Struct, frozen=True, dict=True):
    """All a site says. ``problems`` are sentences about input that could not be used, each with what to do."""

    project: str
    histories: tuple[History, ...]
    machines: tuple[Machine, ...] = ()
    commit_url: str = ""  # asv's show_commit_url: prefix before the hash; empty when there is none
    problems: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()  # oldest commit first, then by machine and environment
    acks: tuple[Ack, ...] = ()  # as they stand in the file, expired ones too
    base: Base | None = None
    order: tuple[str, ...] = ()  # hashes of the project's history, oldest first; empty where no repository tells
    commits: tuple[Commit, ...] = ()  # with a result, in order of history
    tags: tuple[Tag, ...] = ()
    branch: str = ""  # whose first parents the series are; empty where no repository tells
    beside: tuple[LineRuns, ...] = ()  # what was measured on other lines, by series
    remarks: Mapping[str, str] = field(default_factory=dict)  # how the parameters of a benchmark changed
    sources: Mapping[str, str] = field(default_factory=dict)  # what each benchmark runs, where asv has its code
    since: Since | None = None  # None: the newest week of the results
    in_ranges: Mapping[str, Commit] = field(
        default_factory=dict
    )  # commits of events' ranges, by hash, where git has them
    results: str = ""  # address of the results folder from the site's; empty: no page links to its files
    lone: str = ""  # a sentence on machines of one or two runs that are a pool of runners
    claims: ClaimsFile | None = None  # None: the project claims nothing
    joined: tuple[Event, ...] | None = None  # what ``events`` gives; None: it is found when somebody asks

    @cached_property
    def number_of(self) -> Mapping[str, int]:
        """The place of each of ``commits``, by its full hash."""
        return {commit.hash: at for at, commit in enumerate(self.commits)}

    @cached_property
    def newest(self) -> Commit | None:
        """The newest commit with a result, by date; None without any. A site knows no other clock."""
        commits = (history.points[-1].commit for history in self.histories if history.points)
        return max(commits, key=lambda commit: (commit.date, commit.hash), default=None)

    @cached_property
    def at_once(self) -> tuple[AtOnce, ...]:
        """The commits that moved most series of a machine and environment, the newest first."""
        return at_once(self.histories, self.runs, self.faces)

    @cached_property
    def faces(self) -> Mapping[str, str]:
        """The names of the machines, by identifier."""
        return faces(self.machines)

    @cached_property
    def facts_of_setups(self) -> Mapping[Setup, Mapping[str, str]]:
        """The facts of each setup's hardware and system as its newest runs record them, else as its machine has them.

        Its GPU may be known from the sessions of the ruler alone.
        """
        of_machine = {machine.name: dict(machine.facts) for machine in self.machines}
        recorded: dict[Setup, dict[str, str]] = {}
        for run in self.runs:  # the oldest first
            devices = {"GPU": ", ".join(run.devices)} if run.devices else {}
            recorded.setdefault(run.setup, {}).update({**devices, **dict(run.hardware)})
        setups = {*self.by_setup, *recorded}
        return {setup: {**of_machine.get(setup.machine, {}), **recorded.get(setup, {})} for setup in setups}

    def since_base(self, sentence: str) -> str:
        """``sentence`` with the revision that is judged against, where there is one."""
        if self.base is None:
            return sentence
        return f"Since {words.cut(self.base.revision, 60)}: {sentence[:1].lower()}{sentence[1:]}"

    @property
    def at_once_since_base(self) -> tuple[AtOnce, ...]:
        """The shifts of ``at_once`` after the revision that is judged against."""
        since = self.number_of.get(self.base.commit.hash, -1) if self.base is not None else -1
        newest = len(self.commits)
        return tuple(shift for shift in self.at_once if self.number_of.get(shift.commit.hash, newest) > since)

    @property
    def standing_shifts(self) -> tuple[AtOnce, ...]:
        """The shifts of ``at_once_since_base`` that the machine did not leave again."""
        return tuple(shift for shift in self.at_once_since_base if shift.is_standing)

    @cached_property
    def in_order(self) -> CommitOrder:
        """The commits of the branch, measured or not."""
        return CommitOrder(self.order, self.commits)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The events, newest first, each once however many series show it."""
        return events(self.histories, self.in_order) if self.joined is None else self.joined

    @cached_property
    def event_of(self) -> Mapping[tuple[SeriesKey, int], Event]:
        """The event of each change, by its series and its index there."""
        return {
            (change.history.key, change.evidence.change.index): event
            for event in self.events
            for change in event.members
        }

    def range_of(self, history: History, evidence: ChangeEvidence) -> Range | None:
        """The commits that may be the cause of a change, as far as all series of its event tell them apart."""
        index = evidence.change.index
        event = self.event_of.get((history.key, index))
        return event.range if event is not None else range_of(history.points, index, self.in_order)

    @cached_property
    def by_benchmark(self) -> Mapping[str, tuple[History, ...]]:
        """The histories of each benchmark."""
        by_name: dict[str, list[History]] = {}
        for history in self.histories:
            by_name.setdefault(history.key.benchmark, []).append(history)
        return {benchmark: tuple(histories) for benchmark, histories in by_name.items()}

    @cached_property
    def by_setup(self) -> Mapping[Setup, Sequence[History]]:
        """The histories of each machine and environment."""
        by_setup: dict[Setup, list[History]] = {}
        for history in self.histories:
            by_setup.setdefault(history.key.setup, []).append(history)
        return by_setup
