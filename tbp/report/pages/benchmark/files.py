"""The files of one benchmark: its page, and the data that the page loads.

Takes what a site is made from with the histories of one benchmark only, gives names and bytes. It needs nothing else,
so it may be done in any process, and not at all while its key is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.history.machine_wide_changes import AtOnce, of_benchmark
from tbp.model.changes import History, LineRuns
from tbp.model.points import columns
from tbp.model.series import SeriesKey
from tbp.report.base.render import Frame, benchmark_html, script_call
from tbp.report.base.report_data import ReportData
from tbp.report.data.history_chart import CommitList, site_commits
from tbp.report.pages.benchmark.page import benchmark_page
from tbp.report.pages.benchmark.rates import Rate, rates_of_all
from tbp.report.parts import addresses
from tbp.report.parts.page_events import PageEvent, page_events
from tbp.report.site.digests import digest
from tbp.report.site.known_pages import Made


class Wanted(Struct, frozen=True):
    """One benchmark's page to make."""

    benchmark: str
    data: ReportData  # with the histories and the source of this benchmark only
    frame: Frame  # of a page below the index
    places: Mapping[str, int]  # of the benchmark's commits among the site's, by their hashes, in order of history
    rates: Mapping[SeriesKey, tuple[Rate, ...]]  # what the suite's other benchmarks say of its series
    at_once: tuple[AtOnce, ...]  # commits that moved most series of a machine, its own among them
    events: tuple[PageEvent, ...]  # that moved some of its series

    @property
    def runs(self) -> int:
        return sum(len(history.points) for history in self.data.histories)

    def key(self, shared: bytes) -> bytes:
        """A digest of all that it is made of; ``shared`` is one of what every page is made of."""
        # The hashes are those of the histories' points.
        places = np.fromiter(self.places.values(), np.int32, len(self.places))
        return digest(
            shared,
            self.data.histories,
            self.data.beside,
            self.data.remarks,
            places,
            self.rates,
            self.data.sources,
            self.at_once,
            self.events,
        )


class BenchmarkFiles(NamedTuple):
    """What was made of one benchmark."""

    benchmark: str
    contents: dict[str, bytes]  # by the name of the file, relative to the site
    noted: Made


def wanted(data: ReportData, frame: Frame) -> list[Wanted]:
    """One for each benchmark, in order of their names."""
    ordered = sorted(data.histories, key=lambda history: history.key.benchmark)
    below = replace(frame, root="../")
    commits, known = site_commits(data), rates_of_all(data.histories)
    together, events = data.at_once, page_events(data.events, data.faces)
    shared = shared_by_pages(data)
    aside: dict[str, list[LineRuns]] = {}
    for runs in data.beside:
        aside.setdefault(runs.key.benchmark, []).append(runs)
    asked = []
    made: dict[bytes, Mapping[str, int]] = {}  # most benchmarks were measured at the same commits
    for benchmark, series in groupby(ordered, key=lambda history: history.key.benchmark):
        own = tuple(series)
        said = {history.key: known[history.key] for history in own if history.key in known}
        places = _places(own, commits)
        known_as = places.tobytes()
        if known_as not in made:
            made[known_as] = {commits.commits[place].hash: place for place in places.tolist()}
        source = {benchmark: data.sources[benchmark]} if benchmark in data.sources else {}
        moved = of_benchmark(together, own)
        own_data = replace(shared, histories=own, beside=tuple(aside.get(benchmark, ())), sources=source)
        if benchmark in data.remarks:
            own_data = replace(own_data, remarks={benchmark: data.remarks[benchmark]})
        joined = events.get(benchmark, ())
        asked.append(Wanted(benchmark, own_data, below, made[known_as], said, moved, joined))
    return asked


def shared_by_pages(data: ReportData) -> ReportData:
    """What every benchmark's page is made from: nothing of other benchmarks, nor of single runs."""
    return replace(data, histories=(), beside=(), remarks={}, sources={}, runs=(), problems=(), order=(), joined=())


def _places(histories: Sequence[History], commits: CommitList) -> NDArray[np.int32]:
    """The places of their commits among the site's, ascending."""
    found = [np.empty(0, np.int32)]
    for history in histories:
        own = columns(history.points)
        is_site_order = own.order is commits.commits
        hashes = (own.order[at].hash for at in own.commit_index.tolist())
        places = own.commit_index if is_site_order else np.array([commits.place[name] for name in hashes], np.int32)
        found.append(places)
    return np.flatnonzero(np.bincount(np.concatenate(found))).astype(np.int32)


def benchmark_files(asked: Wanted) -> dict[str, bytes]:
    """The content of each file, by its name relative to the site."""
    return dict(_files(asked))


def files_of_all(asked: Sequence[Wanted], shared: bytes | None) -> list[BenchmarkFiles]:
    """Those of several benchmarks; their keys stay empty where ``shared`` is None, as nothing is kept."""
    found = ((own, benchmark_files(own), own.key(shared) if shared is not None else b"") for own in asked)
    return [BenchmarkFiles(own.benchmark, contents, Made.of(key, contents)) for own, contents, key in found]


def _files(asked: Wanted) -> Iterator[tuple[str, bytes]]:
    page = benchmark_page(asked.benchmark, asked.data, asked.places, asked.rates, asked.at_once, asked.events)
    yield page.file, benchmark_html(page, asked.frame).encode()
    yield page.data_file, script_call("tbp.chart", page.chart.payload).encode()
    if page.chart.more:
        yield addresses.more_file(asked.benchmark), script_call("tbp.more", page.chart.more).encode()
    flames: dict[str, list[dict[str, object]]] = {}
    for flame in filter(None, chain.from_iterable(section.flames for section in page.sections)):
        flames.setdefault(flame.data_file, []).append(flame.payload)
    for name, payloads in flames.items():
        yield name, "".join(script_call("tbp.flame", payload) for payload in payloads).encode()
