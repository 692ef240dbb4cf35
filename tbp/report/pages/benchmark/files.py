"""The files of one benchmark: its page, and the data that the page loads.

Takes what a site is made from with the histories of one benchmark only, gives names and bytes. It needs nothing else,
so it may be done in any process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tbp.figures import look
from tbp.history.machine_wide_changes import AtOnce, of_benchmark
from tbp.model.changes import History, LineRuns
from tbp.model.points import columns
from tbp.model.series import SeriesKey
from tbp.report.base.digests import Digests
from tbp.report.base.render import DataFile, Frame, RenderedPage, main_html, packed_call, page_html, within
from tbp.report.base.report_data import ReportData
from tbp.report.data.history_chart import commits_payload
from tbp.report.pages.benchmark.page import BenchmarkPage, benchmark_page
from tbp.report.pages.benchmark.rates import Rate, rates_of_all
from tbp.report.parts import addresses
from tbp.report.parts.facets import Facets, facets_of
from tbp.report.parts.page_events import PageEvent, page_events

SCRIPTS = (
    "vendor/plotly-basic.min", "base/address_state", "base/facets", "base/number_words", "base/take",
    "charts/benchmark_data", "charts/axis", "charts/chooser", "charts/cursors", "base/tables", "pages/benchmark",
    "pages/listing",
    "charts/figure", "charts/growth", "charts/flame", "charts/device_use", "charts/chart", "base/jump",
)  # fmt: skip
"""Scripts of every benchmark's page, in the order in which they build on each other."""


class BenchmarkPageJob(Struct, frozen=True):
    """One benchmark's page to make."""

    benchmark: str
    data: ReportData  # with what a page shows of this benchmark only
    frame: Frame  # of a page below the index
    places: Mapping[str, int]  # of the benchmark's commits among the site's, by their hashes, in order of history
    rates: Mapping[SeriesKey, tuple[Rate, ...]]  # what the suite's other benchmarks say of its series
    at_once: tuple[AtOnce, ...]  # commits that moved most series of a machine, its own among them
    events: tuple[PageEvent, ...]  # that moved some of its series
    facets: Facets  # in which its series differ

    @property
    def runs(self) -> int:
        return sum(len(history.points) for history in self.data.histories)

    def key(self, digests: Digests) -> bytes:
        """A digest of everything that the files of the benchmark are made from, but the surroundings of its page."""
        # Other lines are judged by circumstances, too: by the values, as their numbers in a table move with every run.
        several: list[History | LineRuns] = []
        if self.data.beside:
            several = [*self.data.histories, *self.data.beside]
        known = [columns(each.points).measured_with for each in several]
        circumstances = [each.of_runs for each in known if each is not None]
        return digests.of("benchmark", replace(self, frame=within(self.frame)), circumstances)

    @property
    def file(self) -> str:
        """The name of the page in the site."""
        return addresses.page_file(self.benchmark)

    def page(self, main: str) -> RenderedPage:
        """The page whose content is ``main``."""
        return RenderedPage(
            file=self.file,
            title=f"{self.benchmark} · {self.frame.project}",
            main=main,
            scripts=SCRIPTS,
            opens=("data/layout.js", "data/commits.js", addresses.data_file(self.benchmark)),
        )


def jobs(data: ReportData, frame: Frame) -> list[BenchmarkPageJob]:
    """One for each benchmark, in order of their names."""
    ordered = sorted(data.histories, key=lambda history: history.key.benchmark)
    below = replace(frame, root="../")
    known = rates_of_all(data.histories)
    together, events = data.at_once, page_events(data.events, data.faces)
    shared = _shared_by_pages(data)
    aside: dict[str, list[LineRuns]] = {}
    for runs in data.beside:
        aside.setdefault(runs.key.benchmark, []).append(runs)
    made_jobs = []
    # Most benchmarks were measured at the same commits.
    made: dict[bytes, tuple[Mapping[str, int], ReportData]] = {}
    for benchmark, series in groupby(ordered, key=lambda history: history.key.benchmark):
        histories = tuple(series)
        rates = {history.key: known[history.key] for history in histories if history.key in known}
        places = _places(histories, data)
        known_as = places.tobytes()
        if known_as not in made:
            numbers = {data.commits[index].hash: index for index in places.tolist()}
            tags = tuple(tag for tag in data.tags if tag.commit in numbers)
            made[known_as] = numbers, replace(shared, tags=tags)
        of_commits, shared_here = made[known_as]
        source = {benchmark: data.sources[benchmark]} if benchmark in data.sources else {}
        moved = of_benchmark(together, histories)
        own_data = replace(shared_here, histories=histories, sources=source)
        if benchmark in aside:
            own_data = replace(own_data, beside=tuple(aside[benchmark]), commits=data.commits)
        if benchmark in data.remarks:
            own_data = replace(own_data, remarks={benchmark: data.remarks[benchmark]})
        joined = events.get(benchmark, ())
        offered = facets_of(histories, data.facts_of_setups, data.faces)
        made_jobs.append(BenchmarkPageJob(benchmark, own_data, below, of_commits, rates, moved, joined, offered))
    return made_jobs


def _shared_by_pages(data: ReportData) -> ReportData:
    """The data that the pages of all benchmarks share: nothing of single benchmarks, nor of single runs.

    Nor what such a page shows nothing of: it would be made again whenever that changes.
    """
    shared = replace(data, histories=(), beside=(), remarks={}, sources={}, runs=(), problems=(), order=(), joined=())
    return replace(shared, commits=(), tags=(), acks=(), base=None)


def _places(histories: Sequence[History], data: ReportData) -> NDArray[np.int32]:
    """The places of their commits among the site's, ascending."""
    indexes = [np.empty(0, np.int32)]
    for history in histories:
        runs = columns(history.points)
        is_site_order = runs.order is data.commits
        hashes = (runs.order[at].hash for at in runs.commit_index.tolist())
        places = runs.commit_index if is_site_order else np.array([data.number_of[name] for name in hashes], np.int32)
        indexes.append(places)
    return np.flatnonzero(np.bincount(np.concatenate(indexes))).astype(np.int32)


def shared_data(data: ReportData) -> Iterator[DataFile]:
    """The data that the pages of all benchmarks have in common."""
    yield DataFile("data/layout.js", (("tbp.layout", look.shared()),))
    yield DataFile("data/commits.js", (("tbp.commits", commits_payload(data.commits, data.commit_url)),))


def benchmark_files(job: BenchmarkPageJob) -> dict[str, bytes]:
    """The content of each file, by its name relative to the site."""
    page, data = page_and_data(job)
    return {page.file: page_html(page, job.frame).encode(), **{file.name: file.script.encode() for file in data}}


def page_and_data(job: BenchmarkPageJob) -> tuple[RenderedPage, tuple[DataFile, ...]]:
    """The page of a benchmark without its surroundings, and its data."""
    page = benchmark_page(job.benchmark, job.data, job.places, job.rates, job.at_once, job.events, job.facets)
    return job.page(main_html("benchmark.html", page, job.frame)), tuple(_data(page))


def _data(page: BenchmarkPage) -> Iterator[DataFile]:
    yield DataFile(page.data_file, (packed_call("tbp.chart", page.chart.payload),))
    if page.chart.more:
        yield DataFile(addresses.more_file(page.name), (packed_call("tbp.more", page.chart.more),))
    yield from page.listing.files
    later: dict[str, list[tuple[str, object]]] = {}
    for flame in filter(None, chain.from_iterable(section.flames for section in page.sections)):
        later.setdefault(flame.data_file, []).append(("tbp.flame", flame.payload))
    for use in filter(None, (section.device_use for section in page.sections)):
        later.setdefault(use.data_file, []).append(("tbp.deviceUse", use.payload))
    for name, calls in later.items():
        yield DataFile(name, tuple(calls))
