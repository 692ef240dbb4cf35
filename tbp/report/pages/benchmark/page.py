"""A benchmark's page as data: a finding, how to draw its chart, and one section for each series.

Takes the histories of one benchmark, gives words, rows and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from tbp.history.machine_wide_changes import AtOnce, of_benchmark, sentence
from tbp.model.changes import History, State
from tbp.model.series import SeriesKey
from tbp.project import directions
from tbp.report.base.report_data import ReportData
from tbp.report.data.history_chart import Chart, history_chart, site_commits
from tbp.report.pages.benchmark.change_blocks import ChangeBlock, change_blocks
from tbp.report.pages.benchmark.growth import Scaling, scalings
from tbp.report.pages.benchmark.other_lines import OtherLines, other_lines
from tbp.report.pages.benchmark.rates import Rate, rates_of_all
from tbp.report.pages.benchmark.shared import (
    IN_BRIEF,
    Break,
    SharedBreak,
    Together,
    moved_together,
    shared_breaks,
    shared_place,
    shared_remark,
    told_once,
)
from tbp.report.pages.benchmark.source import Source, source_of
from tbp.report.parts import addresses, change_sides, since_change, trace_rows, trace_words
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.page_events import PageEvent, page_events
from tbp.report.parts.series_names import dimensions, series_name
from tbp.report.parts.series_order import Tile, family_of, ranked, tiles
from tbp.report.parts.shown_change import shown_change, told_change
from tbp.report.parts.sparkline import Sparkline, sparkline
from tbp.wording import verdicts, words

if TYPE_CHECKING:
    from tbp.report.parts.flame import Flame

QUIET_TABLE = 4
"""Series without anything to tell from which on they are rows of one table: fewer are as short one by one."""

BREAKS = 5
"""Breaks listed of a series: a hosted runner may change its processor with every run."""


MOST_AT_ONCE = 3
"""Commits told of that moved most series of a machine, the newest first."""

UNFOLDED = 3
"""Changed series that are open at first, the worst ones; of the others the summary tells what happened."""


class Section(Struct, frozen=True):
    """One series of the benchmark."""

    anchor: str
    name: str
    place: str
    state: State
    glyph: str
    badge: str
    finding: str
    brief: str  # of a changed series: its levels, the commit and the newest value, for a summary that is not open
    has_parts: bool  # its finding names changes besides the one it is told for
    now: str  # of a changed or suspect series that is not just at the level after its change: where it is
    is_net_worse: bool  # its change is for the better, and yet it is worse than at first
    has_changed: bool
    is_explained: bool  # its newest shift of level, by something else than the code
    unfolded: bool
    noise_within: str
    noise_between: str
    changes: tuple[ChangeBlock, ...]  # newest first
    earlier: tuple[ChangeBlock, ...]  # still older ones, told in a line each
    breaks: tuple[Break, ...]
    more_breaks: int  # that are not shown
    rates: tuple[Rate, ...]
    hotspots: trace_rows.Hotspots | None
    hotspots_commit: CommitLink | None
    reason: str  # in full, of the newest run without a value
    runs: int
    command: str  # measures the newest commit, of a series that failed there
    shared: tuple[SharedBreak, ...] = ()  # of the breaks, those that the page tells once of some of its series
    flame: Flame | None = None  # of the same traces as the hotspots

    @property
    def flames(self) -> tuple[Flame | None, ...]:
        return self.flame, *(change.flame for change in self.changes)


class Quiet(Struct, frozen=True):
    """One series without a change and without anything else to tell, as a row."""

    anchor: str
    name: str
    now: str
    noise_within: str
    noise_between: str
    runs: str  # "197 of 200": those with a value


class BenchmarkPage(Struct, frozen=True):
    name: str
    family: str
    file: str
    data_file: str
    finding: str
    tiles: tuple[Tile, ...]
    better: str  # which direction is better and how that is known, or how to say it
    chart: Chart
    first_name: str  # of the worst series, whose line stands where no script draws the chart
    first_state: State
    first_line: Sparkline
    scalings: tuple[Scaling, ...]
    sections: tuple[Section, ...]
    quiet: tuple[Quiet, ...]  # series that have no section
    command: str  # measures all series at the newest commit
    place: str  # of all series, where it is one and they are several
    together: tuple[Together, ...]  # events that moved several series, those with the most series first
    breaks: tuple[SharedBreak, ...]
    remark: str  # on the traces of all changes, where it is the same of several
    has_commit_links: bool
    at_once: tuple[str, ...]  # commits that moved most series of a machine and environment, these among them
    has_unit: bool
    source: Source | None = None
    strips: str = ""  # what the values beside each change are; empty where no change has any
    others: OtherLines = OtherLines()
    parameters: str = ""  # how they changed, a sentence; empty where they did not

    @property
    def in_brief(self) -> tuple[Together, ...]:
        """The events that are told at the top."""
        return self.together[:IN_BRIEF]


def benchmark_page(
    benchmark: str,
    data: ReportData,
    place: Mapping[str, int] | None = None,
    known: Mapping[SeriesKey, Sequence[Rate]] | None = None,
    together_at: Sequence[AtOnce] | None = None,
    events: Sequence[PageEvent] | None = None,
) -> BenchmarkPage:
    """The page of all series of ``benchmark`` in ``data``, worst first.

    ``place`` is that of each commit of theirs among the site's, ``known`` what the other benchmarks of the suite say of
    them, ``together_at`` the commits that moved most series of a machine, these among them, ``events`` those of the
    benchmark: all are found in ``data`` where they are not given, which then has to hold the whole site.
    """
    histories = ranked(data.by_benchmark[benchmark])
    differ = dimensions([history.key for history in histories], data.faces)
    names = [series_name(history.key, differ) for history in histories]
    place = site_commits(data).place if place is None else place
    known = rates_of_all(data.histories) if known is None else known
    if together_at is None:
        together_at = of_benchmark(data.at_once, histories)
    if events is None:
        events = page_events(data.events, data.faces).get(benchmark, ())
    grown = scalings(histories, differ)
    chart = history_chart(histories, differ, place, data.tags)
    if charted := [one.payload for one in grown if one.is_charted]:
        chart.payload["scalings"] = charted
    if chart.more:
        chart.payload["more"] = addresses.more_file(benchmark)
    together = moved_together(histories, data.commit_url, events)
    sections = tuple(
        _section(history, name, data, known.get(history.key, ()))
        for history, name in zip(histories, names, strict=True)
    )
    where = shared_place([section.place for section in sections])
    shared = shared_breaks([section.breaks for section in sections])
    series = [(history.key, name) for history, name in zip(histories, names, strict=True)]
    blocks = told_once([section.changes for section in sections], series, together, events)
    sections = _told_once(sections, blocks, shared, where)
    is_quiet = [_is_quiet(section) for section in sections]
    if sum(is_quiet) < QUIET_TABLE:
        is_quiet = [False] * len(sections)
    return BenchmarkPage(
        name=benchmark,
        family=family_of(benchmark),
        file=addresses.page_file(benchmark),
        data_file=addresses.data_file(benchmark),
        finding=_finding(histories, names),
        tiles=tiles(histories, occurring=True),
        better=_better(histories[0]),
        chart=chart,
        first_name=names[0],
        first_state=histories[0].state,
        first_line=sparkline(histories[0]),
        scalings=grown,
        sections=tuple(section for section, quiet in zip(sections, is_quiet, strict=True) if not quiet),
        quiet=tuple(
            _quiet(section, history)
            for section, history, quiet in zip(sections, histories, is_quiet, strict=True)
            if quiet
        ),
        command=_command(benchmark, histories, place),
        place=where,
        together=together,
        breaks=tuple(shared.values()),
        remark=shared_remark([section.changes for section in sections]),
        has_commit_links=bool(addresses.commit_prefix(data.commit_url)),
        at_once=tuple(map(sentence, together_at))[:MOST_AT_ONCE],
        has_unit=any(history.unit not in words.NO_UNIT for history in histories),
        source=source_of(data.sources.get(benchmark, ""), len(histories)),
        strips=change_sides.legend(histories[0].unit, histories[0].better)
        if any(change.strips for section in sections for change in section.changes)
        else "",
        parameters=data.remarks.get(benchmark, ""),
        others=other_lines(data, dict(zip((history.key for history in histories), names, strict=True))),
    )


def _better(history: History) -> str:
    said = verdicts.better(history)
    return f"{said[:1].upper()}{said[1:]}." if said else directions.undirected([history.key.benchmark])


def _told_once(
    sections: Sequence[Section],
    blocks: Sequence[tuple[ChangeBlock, ...]],
    shared: Mapping[Break, SharedBreak],
    where: str,
) -> tuple[Section, ...]:
    """The sections without what the page tells of all of them, and only the worst of the changed ones open."""
    is_changed = [section.has_changed for section in sections]
    return tuple(
        replace(
            section,
            changes=own,
            place="" if where else section.place,
            breaks=tuple(one for one in section.breaks if one not in shared),
            shared=tuple(shared[one] for one in section.breaks if one in shared and not shared[one].is_of_all),
            unfolded=len(sections) == 1 or (section.has_changed and sum(is_changed[:at]) < UNFOLDED),
        )
        for at, (section, own) in enumerate(zip(sections, blocks, strict=True))
    )


def _command(benchmark: str, histories: Sequence[History], place: Mapping[str, int]) -> str:
    """What measures the whole benchmark at the newest commit that it has."""
    ends = [history.points[-1].commit for history in histories if len(history.points)]
    newest = max(ends, key=lambda commit: place[commit.hash], default=None)
    return addresses.reproduction(SeriesKey(benchmark, (), "", ""), newest) if newest else ""


def _finding(histories: Sequence[History], names: Sequence[str]) -> str:
    """The verdict on the benchmark, where its worst series is now, and where the time of that went."""
    said = verdicts.finding(histories[0]) if len(histories) == 1 else verdicts.verdict(histories, names[0])
    what = told_change(histories[0])
    found = since_change.now(histories[0], what) if what is not None else None
    standing = shown_change(histories[0])
    causes = trace_words.causes(standing, histories[0].unit) if standing else ()
    said = f"{said.removesuffix('.')}; {'; '.join(causes)}." if causes else said
    return f"{said} {since_change.sentence(histories[0], found)}" if found is not None else said


def _section(history: History, name: str, data: ReportData, known: Sequence[Rate]) -> Section:
    standing = shown_change(history)
    step = history.standing_change if standing is not None else None
    commit = history.operators_commit
    table = history.operators
    unfinished = history.state in (State.FAILED, State.SKIPPED)
    changes, earlier = change_blocks(history, data.commit_url)
    what = told_change(history)
    found = since_change.now(history, what) if what is not None else None
    current = words.quantity(verdicts.newest_value(history), history.unit)
    return Section(
        anchor=addresses.anchor(history.key),
        name=name or "the only series",
        place=" · ".join(
            filter(None, [data.faces.get(history.key.machine, history.key.machine), history.key.environment])
        ),
        state=history.state,
        glyph="" if standing else verdicts.GLYPHS[history.state],
        badge=verdicts.effect(step, history.unit, history.better) if step else verdicts.PLURALS[history.state][0],
        finding=verdicts.finding(history),
        brief=f"{verdicts.before_after(step, history.unit)} {verdicts.since(history, step)}; now {current}"
        if step
        else "",
        has_parts=bool(verdicts.made_of(history)),
        now=since_change.sentence(history, found) if found is not None and not since_change.is_as_told(found) else "",
        is_net_worse=found is not None and since_change.is_net_worse(history, found),
        has_changed=standing is not None,
        is_explained=history.explained is not None,
        unfolded=standing is not None,
        noise_within=words.percent(history.noise_within),
        noise_between=words.percent(history.noise_between),
        changes=changes,
        earlier=earlier,
        breaks=_breaks(history, data),
        more_breaks=max(0, len(history.breaks) - BREAKS),
        rates=tuple(known),
        hotspots=trace_rows.hotspots(table) if table is not None else None,
        hotspots_commit=commit_link(commit, data.commit_url) if commit else None,
        reason=verdicts.newest_reason(history) if unfinished else "",
        runs=len(history.points),
        command=addresses.reproduction(history.key, history.points[-1].commit) if unfinished else "",
        flame=_newest_flame(history) if history.frames is not None else None,
    )


def _newest_flame(history: History) -> Flame | None:
    from tbp.report.parts.flame import newest_flame  # brings pandas, as the frames did

    return newest_flame(history)


def _is_quiet(section: Section) -> bool:
    """Whether a row says all of it; its place is empty where the page tells it."""
    own = (section.changes, section.earlier, section.breaks, section.shared, section.rates, section.hotspots)
    return section.state is State.NO_CHANGE and not any((*own, section.flame, section.place, section.is_explained))


def _quiet(section: Section, history: History) -> Quiet:
    measured, runs = verdicts.measured_runs(history), section.runs
    return Quiet(
        anchor=section.anchor,
        name=section.name,
        now=words.quantity(verdicts.newest_value(history), history.unit),
        noise_within=section.noise_within,
        noise_between=section.noise_between,
        runs=f"{runs:,}" if measured == runs else f"{measured:,} of {runs:,}",
    )


def _breaks(history: History, data: ReportData) -> tuple[Break, ...]:
    """The newest breaks, those that nothing may be compared across first."""
    order = sorted(history.breaks, key=lambda one: (one.comparable, -one.index))[:BREAKS]
    return tuple(
        Break(
            kind=one.kind.value,
            what=one.explanation,
            commit=commit_link(history.points[one.index].commit, data.commit_url),
            consequence="" if one.comparable else "values before and after it are not comparable",
        )
        for one in order
        if 0 <= one.index < len(history.points)
    )
