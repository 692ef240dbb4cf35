"""The index as data: the verdict, how many series are in each state, and one row per series, worst first.

Takes ``ReportData``, gives words and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.model.points import known_commits
from tbp.report.base.report_data import ReportData
from tbp.report.pages.index.events import LargeEvent, large_events
from tbp.report.pages.index.last_runs import LastRun, last_runs, silence
from tbp.report.pages.index.notes import Note, first, notes
from tbp.report.pages.index.rows import Row, among, row
from tbp.report.parts import addresses
from tbp.report.parts.commit_links import span
from tbp.report.parts.series_order import Tile, by_name, family_of, natural, ranked, tiles
from tbp.report.parts.verdict_sentence import _since, verdict
from tbp.wording import words

MOST_ROWS = 50
"""Rows in the page itself, the worst ones; a script adds the others from data/index.js as they are asked for. With
them a page of 300 benchmarks stays under 200 kB."""

LEAST_GROUP = 3
"""Series of one benchmark that one commit moved the same way, from which on only the worst has a row at first."""

OPEN_BENCHMARKS = 60
"""With more benchmarks, each suite's list is folded away."""


class Benchmark(Struct, frozen=True):
    """One benchmark in the list of all of them."""

    name: str
    href: str
    finding: str
    tiles: tuple[Tile, ...]  # states that occur


class Family(Struct, frozen=True):
    """The benchmarks of one suite: what comes before the first dot of asv's name."""

    name: str
    benchmarks: tuple[Benchmark, ...]


class Facets(Struct, frozen=True):
    """What the rows can be filtered by; each sorted, empty where all have the same."""

    suites: tuple[str, ...]
    machines: tuple[str, ...]
    environments: tuple[str, ...]
    devices: tuple[str, ...]


class Listed(Struct, frozen=True):
    """A row of the page itself, with how many others it stands for."""

    row: Row
    more: int = 0


class Summary(Struct, frozen=True):
    verdict: str
    headline: str  # the verdict without its largest change
    lead: Row | None  # that change; None where there is no regression
    events: tuple[LargeEvent, ...]  # that brought several of the regressions
    first: Note | None  # what to know before the verdict
    notes: tuple[Note, ...]  # what to know before reading on
    worst: State | None  # None when there is nothing
    base: str  # what is judged against, in words; empty for the whole history
    tiles: tuple[Tile, ...]
    rows: tuple[Row, ...]  # of every series
    facets: Facets
    faces: Mapping[str, str]  # what each machine is called, by its identifier
    families: tuple[Family, ...]
    last_runs: tuple[LastRun, ...]
    silence: str  # one sentence on those
    problems: tuple[str, ...]
    span: str  # from which commit to which

    @property
    def listed(self) -> tuple[Listed, ...]:
        """The rows in the page itself."""
        groups = list(grouped(self.rows))[:MOST_ROWS]
        return tuple(Listed(own[0], len(own) - 1) for own in groups)

    @property
    def left_out(self) -> int:
        """Series that the page itself has neither a row nor a count for."""
        return len(self.rows) - sum(1 + one.more for one in self.listed)

    @property
    def has_causes(self) -> bool:
        return any(one.causes for one in self.rows)

    @property
    def are_families_open(self) -> bool:
        return sum(len(family.benchmarks) for family in self.families) <= OPEN_BENCHMARKS


def summary(data: ReportData) -> Summary:
    """All the index says."""
    histories = ranked(data.histories)
    seen = among(data)
    rows = tuple(row(history, seen) for history in histories)
    if not any(one.causes for one in rows):  # then why there are none is of no use either
        rows = tuple(replace(one, no_cause="") for one in rows)
    runs = last_runs(data)
    return Summary(
        verdict=verdict(histories, data),
        headline=_headline(histories, data),
        lead=rows[0] if rows and rows[0].state is State.REGRESSION and rows[0].commit else None,
        events=large_events(data),
        first=first(data),
        notes=notes(data, rows),
        worst=histories[0].state if histories else None,
        base=_base(data),
        tiles=tiles(histories),
        rows=rows,
        facets=_facets(rows),
        faces=data.faces,
        families=_families(histories),
        last_runs=runs,
        silence=silence(runs),
        problems=data.problems,
        span=series_span(histories),
    )


def grouped(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    """Rows of one benchmark that the same commit moved with the same verdict, together where the first of them was."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for place, one in enumerate(rows):
        key = (one.benchmark, one.commit.hash, one.state) if one.commit else (place,)
        groups.setdefault(key, []).append(one)
    for own in groups.values():
        yield from [tuple(own)] if len(own) >= LEAST_GROUP else ((one,) for one in own)


def _headline(histories: Sequence[History], data: ReportData) -> str:
    worst = sum(history.state is State.REGRESSION for history in histories)
    if not worst:
        return verdict(histories, data)
    return _since(f"{words.count(worst, 'regression')} in {words.count(len(histories), 'series', 'series')}.", data)


def _base(data: ReportData) -> str:
    if data.base is None:
        return ""
    commit = data.base.commit
    at = f"{commit.short} ({words.moment(commit.date)})"
    return f"Judged since {words.cut(data.base.revision, 60)}, measured at {at}: earlier changes are not counted."


def _facets(rows: Sequence[Row]) -> Facets:
    def several(values: Iterable[str]) -> tuple[str, ...]:
        found = sorted(set(values) - {""}, key=natural)
        return tuple(found) if len(found) > 1 else ()

    return Facets(
        several(family_of(one.benchmark) for one in rows),
        several(one.machine for one in rows),
        several(one.environment for one in rows),
        several(one.device for one in rows),
    )


def _families(histories: Sequence[History]) -> tuple[Family, ...]:
    return tuple(
        Family(
            name,
            tuple(
                _benchmark(benchmark, list(series))
                for benchmark, series in groupby(members, key=lambda history: history.key.benchmark)
            ),
        )
        for name, members in groupby(by_name(histories), key=lambda history: family_of(history.key.benchmark))
    )


def _benchmark(name: str, series: Sequence[History]) -> Benchmark:
    return Benchmark(
        name=name,
        href=addresses.page_file(name),
        finding=words.count(len(series), "series", "series"),
        tiles=tiles(series, occurring=True),
    )


def series_span(histories: Sequence[History]) -> str:
    """How many commits the series cover, from which to which by date; empty without any."""
    by_date = known_commits(history.points for history in histories)
    return f"{words.count(len(by_date), 'commit')}, {span(by_date)}" if by_date else ""
