"""A benchmark's page as data: a finding, how to draw its chart, and one section for each series.

Takes the histories of one benchmark, gives words, rows and addresses; the HTML belongs to ``pages``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from tbp.figures.look import shipped
from tbp.history.machine_wide_changes import AtOnce
from tbp.history.shift_sentences import sentence
from tbp.model.changes import History, State
from tbp.model.series import SeriesKey
from tbp.project import directions
from tbp.project.links import web_address
from tbp.report.base.report_data import ReportData
from tbp.report.data.history_chart import Chart, history_chart
from tbp.report.pages.benchmark.change_blocks import ChangeBlock
from tbp.report.pages.benchmark.listing import Listing, listing
from tbp.report.pages.benchmark.other_lines import OtherLines, other_lines
from tbp.report.pages.benchmark.rates import Rate
from tbp.report.pages.benchmark.series_section import SeriesSection, is_quiet, series_section
from tbp.report.pages.benchmark.shared import (
    IN_BRIEF,
    BreakInWords,
    SharedBreak,
    Together,
    moved_together,
    shared_breaks,
    shared_place,
    shared_remark,
    told_once,
)
from tbp.report.parts import addresses, change_sides, since_change, trace_words
from tbp.report.parts.facets import Facets, facets_of_chart
from tbp.report.parts.growth import Scaling, scalings
from tbp.report.parts.page_events import PageEvent
from tbp.report.parts.series_names import dimensions, series_name
from tbp.report.parts.series_order import Tile, family_of, ranked, tiles
from tbp.report.parts.shown_change import shown_change, told_change
from tbp.report.parts.sparkline import Sparkline, sparkline
from tbp.wording import verdicts, words

QUIET_TABLE = 4
"""Series without anything to tell from which on they are rows of one table: fewer are as short one by one."""

LINES, LENGTH = 30, 1000
"""Shown of a benchmark's code: its page and data are to stay below 40 kB. The 23 benchmarks of Lightning's results have
up to 721 characters, those of MuJoCo Warp up to 175."""

MANY_SERIES, LENGTH_OF_MANY = 20, 240
"""A page of more series than these has no room for more of the code: 60 series of 200 runs fill it."""

MOST_AT_ONCE = 3
"""Commits told of that moved most series of a machine, the newest first."""

UNFOLDED = 3
"""Changed series that are open at first, the worst ones; of the others the summary tells what happened."""


class BenchmarkCode(Struct, frozen=True):
    """The beginning of what a benchmark runs, as text: escaping belongs to the template."""

    code: str
    left_out: str = ""  # a sentence where it is cut


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
    sections: tuple[SeriesSection, ...]
    quiet: tuple[SeriesSection, ...]  # series of which a row of a table says all
    listing: Listing  # what the page holds of both
    command: str  # measures all series at the newest commit
    setup_name: str  # of all series, where it is one and they are several
    together: tuple[Together, ...]  # events that moved several series, those with the most series first
    breaks: tuple[SharedBreak, ...]
    remark: str  # on the traces of all changes, where it is the same of several
    has_commit_links: bool
    at_once: tuple[str, ...]  # commits that moved most series of a machine and environment, these among them
    has_unit: bool
    source: BenchmarkCode | None = None  # what it runs, where asv keeps it
    strips: str = ""  # what the values beside each change are; empty where no change has any
    other_lines: OtherLines = OtherLines()
    parameters: str = ""  # how they changed, a sentence; empty where they did not

    @property
    def in_brief(self) -> tuple[Together, ...]:
        """The events that are told at the top."""
        return self.together[:IN_BRIEF]


def benchmark_page(
    benchmark: str,
    data: ReportData,
    indexes: Mapping[str, int],
    known: Mapping[SeriesKey, Sequence[Rate]],
    together_at: Sequence[AtOnce],
    events: Sequence[PageEvent],
    facets: Facets,
) -> BenchmarkPage:
    """The page of all series of ``benchmark`` in ``data``, worst first.

    ``indexes`` are those of their commits among the site's, ``known`` what the other benchmarks of the suite say of
    them, ``together_at`` the commits that moved most series of a machine, these among them, ``events`` those of the
    benchmark, ``facets`` those in which its series differ.
    """
    histories = ranked(data.by_benchmark[benchmark])
    differ = dimensions([history.key for history in histories], data.faces)
    names = [series_name(history.key, differ) for history in histories]
    grown = scalings(histories, differ)
    chart = history_chart(histories, differ, indexes, data.tags)
    if figures := [shipped(grow.chart) for grow in grown if grow.chart is not None]:
        chart.payload["growth"] = figures
    if chosen_by := facets_of_chart(facets, [history.key for history in histories], differ):
        chart.payload["facets"] = chosen_by
    if chart.more:
        chart.payload["more"] = addresses.more_file(benchmark)
    together = moved_together(histories, data.commit_url, events)
    sections = tuple(
        series_section(history, name, data, known.get(history.key, ()))
        for history, name in zip(histories, names, strict=True)
    )
    where = shared_place([section.setup_name for section in sections])
    shared = shared_breaks([section.breaks for section in sections])
    series = [(history.key, name) for history, name in zip(histories, names, strict=True)]
    blocks = told_once([section.changes for section in sections], series, together, events)
    sections = _told_once(sections, blocks, shared, where)
    are_rows = [is_quiet(section) for section in sections]
    if sum(are_rows) < QUIET_TABLE:
        are_rows = [False] * len(sections)
    remark = shared_remark([section.changes for section in sections])
    order = sorted(range(len(sections)), key=are_rows.__getitem__)  # rows below the sections
    in_sections, in_rows = (
        [section for section, is_row in zip(sections, are_rows, strict=True) if is_row == as_row]
        for as_row in (False, True)
    )
    listed = listing(benchmark, in_sections, in_rows, order, remark != "")
    if listed.drawn:
        chart.payload["strips"] = listed.drawn
    if listed.payload:
        chart.payload["listing"] = listed.payload
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
        sections=tuple(in_sections),
        quiet=tuple(in_rows),
        listing=listed,
        command=_command(benchmark, histories, indexes),
        setup_name=where,
        together=together,
        breaks=tuple(shared.values()),
        remark=remark,
        has_commit_links=bool(web_address(data.commit_url)),
        at_once=tuple(map(sentence, together_at))[:MOST_AT_ONCE],
        has_unit=any(history.unit not in words.NO_UNIT for history in histories),
        source=code_of(data.sources.get(benchmark, ""), len(histories)),
        strips=change_sides.legend(histories[0].unit, histories[0].better)
        if any(change.strips is not None for section in sections for change in section.changes)
        else "",
        parameters=data.remarks.get(benchmark, ""),
        other_lines=other_lines(data, dict(zip((history.key for history in histories), names, strict=True))),
    )


def _better(history: History) -> str:
    known = verdicts.better(history)
    return f"{known[:1].upper()}{known[1:]}." if known else directions.undirected([history.key.benchmark])


def _told_once(
    sections: Sequence[SeriesSection],
    blocks: Sequence[tuple[ChangeBlock, ...]],
    shared: Mapping[BreakInWords, SharedBreak],
    where: str,
) -> tuple[SeriesSection, ...]:
    """The sections without what the page tells of all of them, and only the worst of the changed ones open."""
    is_changed = [section.has_changed for section in sections]
    return tuple(
        replace(
            section,
            changes=changes,
            setup_name="" if where else section.setup_name,
            breaks=tuple(broken for broken in section.breaks if broken not in shared),
            shared=tuple(
                shared[broken] for broken in section.breaks if broken in shared and not shared[broken].is_of_all
            ),
            unfolded=len(sections) == 1 or (section.has_changed and sum(is_changed[:at]) < UNFOLDED),
        )
        for at, (section, changes) in enumerate(zip(sections, blocks, strict=True))
    )


def _command(benchmark: str, histories: Sequence[History], indexes: Mapping[str, int]) -> str:
    """The command that measures the whole benchmark at its newest commit."""
    ends = [history.points[-1].commit for history in histories if len(history.points)]
    newest = max(ends, key=lambda commit: indexes[commit.hash], default=None)
    return addresses.reproduction(SeriesKey(benchmark, (), "", ""), newest) if newest else ""


def _finding(histories: Sequence[History], names: Sequence[str]) -> str:
    """The verdict on the benchmark, where its worst series is now, and where the time of that went."""
    is_single = len(histories) == 1
    text = verdicts.finding(histories[0]) if is_single else verdicts.verdict(histories, names[0])
    change = told_change(histories[0])
    now = since_change.now(histories[0], change) if change is not None else None
    standing = shown_change(histories[0])
    causes = trace_words.causes(standing, histories[0].unit) if standing else ()
    seen = since_change.sentence(histories[0], now) if now is not None else ""
    if is_single or histories[0].state is State.REGRESSION:  # which the verdict names
        text = f"{text.removesuffix('.')}; {'; '.join(causes)}." if causes else text
        return " ".join(filter(None, [text, seen]))
    rest = "; ".join(filter(None, [*causes, f"{seen[:1].lower()}{seen[1:]}"])).removesuffix(".")
    return f"{text} {names[0]}: {rest}." if rest else text


def code_of(code: str, series: int = 1) -> BenchmarkCode | None:
    """The code of a benchmark of so many ``series`` up to LINES and LENGTH characters; None without any."""
    whole = code.rstrip().lstrip("\n").split("\n")
    if whole == [""]:
        return None
    shown = words.cut("\n".join(whole[:LINES]), LENGTH if series <= MANY_SERIES else LENGTH_OF_MANY)
    is_cut = shown != "\n".join(whole)
    return BenchmarkCode(
        shown, f"Cut here: {words.count(len(whole), 'line')} in all, in benchmarks.json." if is_cut else ""
    )
