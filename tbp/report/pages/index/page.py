"""The index as data: the verdict, how many series are in each state, and one row per series, worst first.

Takes ``ReportData``, gives words and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice

from msgspec import Struct
from msgspec.structs import replace

from tbp.model.changes import UNMEASURED, History, State
from tbp.model.points import known_commits
from tbp.report.base.report_data import ReportData
from tbp.report.pages.index.answer import AnswerPart, answer_part
from tbp.report.pages.index.last_runs import LastRun, last_runs, silence
from tbp.report.pages.index.notes import Note, first, notes
from tbp.report.pages.index.rows import IndexRow, row
from tbp.report.parts import addresses
from tbp.report.parts.answer import answer
from tbp.report.parts.commit_links import span
from tbp.report.parts.facets import Facets, facets
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import Tile, by_name, family_of, natural, ranked, tiles
from tbp.report.parts.sparkline import LEAST_SPAN
from tbp.wording import verdicts, words

MOST_ROWS = 50
"""Rows in the page itself, the worst ones; a script adds the others from data/index.js as they are asked for. With
them a page of 300 benchmarks stays under 200 kB."""

LEAST_GROUP = 3
"""Series of one benchmark that one commit moved the same way, from which on only the worst has a row at first."""

NOT_MEASURED = {state: state.value for state in UNMEASURED} | {State.NOT_ENOUGH_DATA: "with too few runs"}
"""States of series of which nobody knows how they are now, with words for a list of them."""

OPEN_BENCHMARKS = 60
"""With more benchmarks, each suite's list is folded away."""


class ListedBenchmark(Struct, frozen=True):
    """One benchmark in the list of all of them."""

    name: str
    href: str
    tiles: tuple[Tile, ...]  # states that occur


class Family(Struct, frozen=True):
    """The benchmarks of one suite: what comes before the first dot of asv's name."""

    name: str
    benchmarks: tuple[ListedBenchmark, ...]


class Summary(Struct, frozen=True):
    answer: AnswerPart
    first: Note | None  # what to know before the verdict
    notes: tuple[Note, ...]  # what to know before reading on
    base: str  # what is judged against, in words; empty for the whole history
    tiles: tuple[Tile, ...]
    rows: tuple[IndexRow, ...]  # of every series
    suites: tuple[str, ...]  # to filter by, sorted; none where there is one
    facets: Facets
    families: tuple[Family, ...]
    last_runs: tuple[LastRun, ...]
    silence: str  # one sentence on those
    not_measured: str  # how many series have no verdict, and why; empty for none
    problems: tuple[str, ...]
    span: str  # from which commit to which

    @property
    def listed(self) -> list[tuple[IndexRow, int]]:
        """The rows in the page itself, each with how many others it stands for."""
        return [(group[0], len(group) - 1) for group in islice(grouped(self.rows), MOST_ROWS)]

    @property
    def left_out(self) -> int:
        """Series that the page itself has neither a row nor a count for."""
        return len(self.rows) - sum(1 + more for _, more in self.listed)

    @property
    def note_counts(self) -> str:
        """How many notes there are, and how many problems with the input."""
        notes = len(self.notes) + (self.first is not None)
        counts = ((notes, "note"), (len(self.problems), "problem"))
        return ", ".join(words.count(number, word) for number, word in counts if number)

    @property
    def is_calm(self) -> bool:
        """True where nothing stands that a reader must look into: the series come first then, all else below them."""
        return not self.answer.cards

    @property
    def least_span(self) -> str:
        """The movement that fills a chart's height."""
        return f"{LEAST_SPAN * 100:g} %"

    @property
    def has_causes(self) -> bool:
        return any(row.causes for row in self.rows)

    @property
    def are_families_open(self) -> bool:
        return sum(len(family.benchmarks) for family in self.families) <= OPEN_BENCHMARKS


def summary(data: ReportData) -> Summary:
    """All the index says."""
    histories = ranked(data.histories)
    setup_names = SetupNames.of(data.histories, data.faces)
    offered = facets(data)
    rows = tuple(row(history, data, setup_names, offered) for history in histories)
    if not any(row.causes for row in rows):  # then why there are none is of no use either
        rows = tuple(replace(row, no_cause="") for row in rows)
    runs = last_runs(data)
    places = {history.key: number for number, history in enumerate(histories)}
    return Summary(
        answer=answer_part(answer(data), data, setup_names, places),
        first=first(data),
        notes=notes(data, rows),
        base=_base(data),
        tiles=tiles(histories),
        rows=rows,
        suites=_suites(histories),
        facets=offered,
        families=_families(histories),
        last_runs=runs,
        silence=silence(runs),
        not_measured=not_measured(histories),
        problems=data.problems,
        span=series_span(histories),
    )


def grouped(rows: Iterable[IndexRow]) -> Iterator[tuple[IndexRow, ...]]:
    """Rows of one benchmark that the same commit moved with the same verdict, together where the first of them was."""
    groups: dict[tuple[object, ...], list[IndexRow]] = {}
    for number, each in enumerate(rows):
        key = (each.benchmark, each.commit.hash, each.state) if each.commit else (number,)
        groups.setdefault(key, []).append(each)
    for group in groups.values():
        yield from [tuple(group)] if len(group) >= LEAST_GROUP else ((each,) for each in group)


def not_measured(histories: Sequence[History]) -> str:
    """``12 stale, 3 skipped``: the series of which nobody knows how they are now; empty for none."""
    counts = verdicts.tally(histories)
    return ", ".join(f"{counts[state]:,} {phrase}" for state, phrase in NOT_MEASURED.items() if counts[state])


def _base(data: ReportData) -> str:
    if data.base is None:
        return ""
    commit = data.base.commit
    at = f"{commit.short} ({words.moment(commit.date)})"
    return f"Judged since {words.cut(data.base.revision, 60)}, measured at {at}: earlier changes are not counted."


def _suites(histories: Sequence[History]) -> tuple[str, ...]:
    suites = {family_of(history.key.benchmark) for history in histories} - {""}
    return tuple(sorted(suites, key=natural)) if len(suites) > 1 else ()


def _families(histories: Sequence[History]) -> tuple[Family, ...]:
    listed: dict[str, list[ListedBenchmark]] = {}
    for name, series in groupby(by_name(histories), key=lambda history: history.key.benchmark):
        benchmark = ListedBenchmark(name, addresses.page_file(name), tiles(list(series), occurring=True))
        listed.setdefault(family_of(name), []).append(benchmark)
    return tuple(Family(name, tuple(benchmarks)) for name, benchmarks in listed.items())


def series_span(histories: Sequence[History]) -> str:
    """How many commits the series cover, from which to which by date; empty without any."""
    by_date = known_commits(history.points for history in histories)
    return f"{words.count(len(by_date), 'commit')}, {span(by_date)}" if by_date else ""
