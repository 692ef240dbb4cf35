"""One series on the page of its benchmark: a section, or a row where there is nothing to tell.

Takes a history, gives words, rows and addresses. What several series share is told once by the page, see ``shared``.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tbp.model.changes import History, State
from tbp.report.base.report_data import ReportData
from tbp.report.pages.benchmark.change_blocks import ChangeBlock, change_blocks
from tbp.report.pages.benchmark.rates import Rate
from tbp.report.pages.benchmark.shared import BreakInWords, SharedBreak
from tbp.report.parts import addresses, since_change, trace_rows
from tbp.report.parts.commit_links import CommitLink, commit_link
from tbp.report.parts.device_use import DeviceUseSection, device_use
from tbp.report.parts.flame import Flame, newest_flame
from tbp.report.parts.raw_traces import RawTraces, raw_traces
from tbp.report.parts.shown_change import shown_change, told_change
from tbp.wording import verdicts, words

BREAKS = 5
"""Breaks listed of a series: a hosted runner may change its processor with every run."""


class SeriesSection(Struct, frozen=True):
    """One series of the benchmark."""

    anchor: str
    name: str
    setup_name: str
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
    breaks: tuple[BreakInWords, ...]
    more_breaks: int  # that are not shown
    rates: tuple[Rate, ...]
    hotspots: trace_rows.Hotspots | None
    hotspot_groups: tuple[trace_rows.HotspotGroups, ...]  # the same time by module and Python function
    hotspots_commit: CommitLink | None
    reason: str  # in full, of the newest run without a value
    newest: str  # value
    runs: int
    measured: int  # runs with a value
    command: str  # measures the newest commit, of a series that failed there
    shared: tuple[SharedBreak, ...] = ()  # of the breaks, those that the page tells once of some of its series
    flame: Flame | None = None  # of the same traces as the hotspots
    device_use: DeviceUseSection | None = None  # of the same traces
    raw_traces: RawTraces | None = None  # the files of them

    @property
    def earlier_title(self) -> str:
        """The heading of ``earlier``: without a change in full all of them are suspect."""
        return "Other changes" if self.changes else "Suspect changes"

    @property
    def flames(self) -> tuple[Flame | None, ...]:
        return self.flame, *(change.flame for change in self.changes)


def series_section(history: History, name: str, data: ReportData, rates: Sequence[Rate]) -> SeriesSection:
    """The section of a series; ``rates`` are what the other benchmarks of the suite say of it."""
    standing = shown_change(history)
    step = history.standing_change if standing is not None else None
    commit = history.operators_commit
    table = history.operators
    unfinished = history.state in (State.FAILED, State.SKIPPED)
    changes, earlier = change_blocks(history, data.commit_url, data.results)
    shown = told_change(history)
    hotspots = trace_rows.hotspots(table) if table is not None else None
    drawn = history.frames if hotspots is not None else None
    now = since_change.now(history, shown) if shown is not None else None
    current = words.quantity(verdicts.newest_value(history), history.unit)
    return SeriesSection(
        anchor=addresses.anchor(history.key),
        name=name or "the only series",
        setup_name=history.key.setup.called(data.faces),
        state=history.state,
        glyph="" if standing else verdicts.GLYPHS[history.state],
        badge=verdicts.effect(step, history.unit, history.better) if step else verdicts.PLURALS[history.state][0],
        finding=verdicts.finding(history),
        brief=f"{verdicts.before_after(step, history.unit)} {verdicts.since(history, step)}; now {current}"
        if step
        else "",
        has_parts=bool(verdicts.made_of(history)),
        now=since_change.sentence(history, now) if now is not None and not since_change.is_as_told(now) else "",
        is_net_worse=now is not None and since_change.is_net_worse(history, now),
        has_changed=standing is not None,
        is_explained=history.explained is not None,
        unfolded=standing is not None,
        noise_within=words.percent(history.noise_within),
        noise_between=words.percent(history.noise_between),
        changes=changes,
        earlier=earlier,
        breaks=_breaks(history, data),
        more_breaks=max(0, len(history.breaks) - BREAKS),
        rates=tuple(rates),
        hotspots=hotspots,
        hotspot_groups=trace_rows.hotspot_groups(drawn, hotspots.on_device) if drawn is not None and hotspots else (),
        hotspots_commit=commit_link(commit, data.commit_url) if commit else None,
        reason=verdicts.newest_reason(history) if unfinished else "",
        newest=current,
        runs=len(history.points),
        measured=verdicts.measured_runs(history),
        command=addresses.failure(history.key, history.points[-1].commit) if unfinished else "",
        flame=newest_flame(history),
        device_use=device_use(history),
        raw_traces=raw_traces(filter(None, [history.recorded]), data.results),
    )


def is_quiet(section: SeriesSection) -> bool:
    """True where a row says all of it; its place is empty where the page tells it."""
    parts = (section.changes, section.earlier, section.breaks, section.shared, section.rates, section.hotspots)
    return section.state is State.NO_CHANGE and not any(
        (*parts, section.flame, section.device_use, section.setup_name, section.is_explained)
    )


def _breaks(history: History, data: ReportData) -> tuple[BreakInWords, ...]:
    """The newest breaks, those that nothing may be compared across first."""
    order = sorted(history.breaks, key=lambda broken: (broken.comparable, -broken.index))[:BREAKS]
    return tuple(
        BreakInWords(
            kind=broken.kind.value,
            explanation=broken.explanation,
            commit=commit_link(commit, data.commit_url),
            consequence="" if broken.comparable else "values before and after this are not comparable",
        )
        for broken in order
        if (commit := history.commit_at(broken.index)) is not None
    )
