"""The search of a site as data: its pages, series, events, commits, machines and words, each with its address.

Takes ``SiteContents``, gives plain values for ``static/base/search.js``, which has the benchmarks from
data/benchmarks.js. All of it is loaded when a reader first opens the search.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias
from urllib.parse import urlencode

from tbp.history.events import Event
from tbp.model.changes import History
from tbp.model.runs import Run
from tbp.model.series import Commit, Setup
from tbp.report.base.report_data import ReportData
from tbp.report.data.run_grid import columns_of
from tbp.report.pages.changes.page import listed_events
from tbp.report.pages.contents import SiteContents
from tbp.report.parts import addresses, event_words
from tbp.report.parts.change_sorts import WORDS, Sort, counted_sort
from tbp.report.parts.page_events import anchor_of
from tbp.report.parts.series_names import SetupNames
from tbp.report.parts.series_order import ROW_ORDER, by_name
from tbp.wording import verdicts, words
from tbp.wording.glossary import glossary

HASH_LENGTH = 12
"""Characters of a hash that are looked through: no two commits of a project begin with the same. What a reader types is
cut to as many."""

SUBJECT_LENGTH = 80
"""Characters of a subject, as beside charts."""

MOST_BENCHMARKS = 2
"""Benchmarks of an event that are named; all of them are looked through."""

MOST_FACTS = 3
"""Facts of a machine, as in the first table of its page."""

PLAIN = (Sort.REGRESSION, Sort.IMPROVEMENT, Sort.CHANGED, Sort.EARLIER)
"""Sorts of changes of which the direction says enough."""

Entry: TypeAlias = "list[object]"


def search_data(site: SiteContents, pages: Iterable[tuple[str, str, str]]) -> dict[str, object]:
    """The input of ``tbp.searchable``; ``pages`` have each a title, a file, and a phrase on what it shows."""
    data = site.data
    histories = by_name(data.histories)
    hrefs = _hrefs_of_events(data)
    number_of = {name: at for at, name in enumerate(dict.fromkeys(history.key.benchmark for history in histories))}
    return {
        "pages": [_entry(title, about, file) for title, file, about in pages],
        "states": [_entry(each.name.lower(), verdicts.GLYPHS[each], verdicts.PLURALS[each][0]) for each in ROW_ORDER],
        "series": _series(histories, SetupNames.of(histories, data.faces)),
        "events": [
            [*_event(event, href), [number_of[name] for name in _benchmarks(event)]]
            for event, href in zip(data.events, hrefs, strict=True)
        ],
        "commits": list(_commits(data, hrefs)),
        "machines": list(_machines(site)),
        "words": list(_words()),
    }


def _series(histories: Sequence[History], names: SetupNames) -> dict[str, object]:
    """Columns of all series, in the order of data/benchmarks.js; ``counts`` has how many each benchmark has."""
    setups = {setup: at for at, setup in enumerate(dict.fromkeys(history.key.setup for history in histories))}
    rank = {state: at for at, state in enumerate(ROW_ORDER)}
    return {
        "counts": list(Counter(history.key.benchmark for history in histories).values()),
        "setups": [_entry(names.name(setup), f"{setup.machine} {setup.environment}") for setup in setups],
        "labels": _entry(*(history.key.label for history in histories)),
        "anchors": "".join(addresses.anchor(history.key).removeprefix("s-") for history in histories),
        "setup": [setups[history.key.setup] for history in histories],
        "state": [rank[history.state] for history in histories],
    }


def _hrefs_of_events(data: ReportData) -> list[str]:
    """The address of each event: on the page of changes, or of its first series where that page is full."""
    listed = set(map(anchor_of, listed_events(data)))
    return [
        f"changes.html#{anchor}" if anchor in listed else addresses.series_href(event.members[0].history)
        for event, anchor in ((event, anchor_of(event)) for event in data.events)
    ]


def _event(event: Event, href: str) -> Entry:
    """The sort of the change that leads it, the change in words, all that moved, the commit, and the address."""
    first = event.members[0]
    sort = counted_sort(first)
    effect = event_words.move((first,)) + f", {WORDS[sort][0]}" * (sort not in PLAIN)
    moved = f"{event_words.extent(event.members)}: {words.named(_benchmarks(event), MOST_BENCHMARKS)}"
    if len(event.members) == 1:
        moved = f"{first.history.key.benchmark} {first.history.key.label}".strip()
    return _entry(sort.value, effect, moved, event_words.of_several(event.range), *_told(event.range.first), href)


def _benchmarks(event: Event) -> list[str]:
    return list(dict.fromkeys(change.history.key.benchmark for change in event.members))


def _commits(data: ReportData, hrefs: Sequence[str]) -> Iterator[Entry]:
    """Every commit with a result or in the range of an event, newest first: what it may have moved, and its address."""
    event_of: dict[str, int] = {}
    for number in sorted(range(len(data.events)), key=lambda number: data.events[number].range.commits):
        between = data.events[number].range
        for name in (between.first.hash, *data.in_order.hashes[between.start : between.end + 1]):
            event_of.setdefault(name, number)
    compared = _compared(data.runs, {commit.hash for commit in columns_of(data.commits)})
    known = {commit.hash: commit for commit in (*data.commits, *data.in_ranges.values())}
    for commit in sorted(known.values(), key=lambda commit: (commit.date, commit.hash), reverse=True):
        number = event_of.get(commit.hash, -1)
        if number < 0:
            nowhere = f"changes.html#{urlencode({'q': commit.short}, errors='replace')}"
            yield _entry(*_told(commit), "no event", compared.get(commit.hash, nowhere))
        else:
            moved = event_words.extent(data.events[number].members)
            verb = "may have moved" if data.events[number].range.commits > 1 else "moved"
            yield _entry(*_told(commit), f"{verb} {moved}", hrefs[number])


def _told(commit: Commit) -> tuple[str, str, str, str]:
    """The beginning of its hash, its date, its subject and its author."""
    return (
        commit.hash[:HASH_LENGTH],
        words.moment(commit.date),
        words.cut(commit.subject, SUBJECT_LENGTH),
        commit.author,
    )


def _compared(runs: Iterable[Run], columns: set[str]) -> dict[str, str]:
    """For each commit of ``columns``, which the comparison has: its address there, beside the one that was measured
    before it in the same setup."""
    last: dict[Setup, Run] = {}
    most: dict[str, int] = {}
    hrefs: dict[str, str] = {}
    for run in runs:
        if not run.measured or run.commit.hash not in columns:
            continue
        if run.setup in last and run.measured > most.get(run.commit.hash, 0):
            most[run.commit.hash] = run.measured
            both = [("c", _column(commit, run.setup)) for commit in (last[run.setup].commit, run.commit)]
            hrefs[run.commit.hash] = f"compare.html#{urlencode(both, errors='replace')}"
        last[run.setup] = run
    return hrefs


def _column(commit: Commit, setup: Setup) -> str:
    """A column of the comparison as ``static/pages/columns.js`` keeps it in the address."""
    parts = [words.visible(text) for text in (commit.short, setup.machine, setup.environment)]
    return "~".join(part.replace("%", "%25").replace("~", "%7E") for part in parts)


def _machines(site: SiteContents) -> Iterator[Entry]:
    for machine in site.machines.machines:
        facts = " · ".join(fact.value for fact in machine.facts[:MOST_FACTS])
        for environment in machine.environments:
            href = f"machines.html#{environment.anchor}"
            yield _entry(machine.name, environment.name, facts, machine.identifier, href)


def _words() -> Iterator[Entry]:
    """The words of the report, then those of code, each with its anchor on the page of words."""
    for kind, several in zip("wc", glossary(), strict=True):
        for at, word in enumerate(several):
            yield _entry(", ".join(word.forms), word.plain_meaning, f"words.html#{kind}-{at}")


def _entry(*texts: str) -> Entry:
    return [*map(words.visible, texts)]
