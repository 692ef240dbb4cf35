"""The files of one benchmark: its page, and the data that the page loads.

Takes what a site is made from with the histories of one benchmark only, gives names and bytes. It needs nothing else,
so it may be done in any process, and not at all while its key is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from tbp.history.points import Points
from tbp.history.series import History, SeriesKey
from tbp.report.chart_data import CommitList, site_commits
from tbp.report.detail import benchmark_page
from tbp.report.flame import data_files
from tbp.report.model import ReportData
from tbp.report.pages import Frame, benchmark_html, script_call
from tbp.report.rates import Rate, rates_of_all


@dataclass(frozen=True)
class Wanted:
    """One benchmark's page to make."""

    benchmark: str
    data: ReportData  # with the histories of this benchmark only
    frame: Frame  # of a page below the index
    places: tuple[tuple[str, int], ...]  # (commit, its place among the site's) of the benchmark's runs, in their order
    rates: Mapping[SeriesKey, tuple[Rate, ...]]  # what the suite's other benchmarks say of its series

    @property
    def runs(self) -> int:
        return sum(len(history.points) for history in self.data.histories)


def wanted(data: ReportData, frame: Frame) -> list[Wanted]:
    """One for each benchmark, in order of their names."""
    ordered = sorted(data.histories, key=lambda history: history.key.benchmark)
    below = replace(frame, root="../")
    commits, known = site_commits(data), rates_of_all(data.histories)
    asked = []
    for benchmark, series in groupby(ordered, key=lambda history: history.key.benchmark):
        own = tuple(series)
        said = {history.key: known[history.key] for history in own if history.key in known}
        asked.append(Wanted(benchmark, replace(data, histories=own), below, _places(own, commits), said))
    return asked


def _places(histories: Sequence[History], commits: CommitList) -> tuple[tuple[str, int], ...]:
    columns = [history.points.columns for history in histories if isinstance(history.points, Points)]
    orders = {id(own.order): own.order for own in columns}  # one, which all series share
    found = {
        order[place].hash
        for order in orders.values()
        for place in np.unique(np.concatenate([own.place for own in columns if own.order is order])).tolist()
    }
    others = (history.points for history in histories if not isinstance(history.points, Points))
    found |= {point.commit.hash for points in others for point in points}
    return tuple(sorted(((name, commits.place[name]) for name in found), key=lambda one: one[1]))


def benchmark_files(asked: Wanted) -> dict[str, bytes]:
    """The content of each file, by its name relative to the site."""
    return dict(_files(asked))


def files_of_all(asked: Sequence[Wanted]) -> list[dict[str, bytes]]:
    return [benchmark_files(one) for one in asked]


def _files(asked: Wanted) -> Iterator[tuple[str, bytes]]:
    page = benchmark_page(asked.benchmark, asked.data, dict(asked.places), asked.rates)
    yield page.file, benchmark_html(page, asked.frame).encode()
    yield page.data_file, script_call("tbp.chart", page.chart.payload).encode()
    for name, payloads in data_files(own for section in page.sections for own in section.flames):
        yield name, "".join(script_call("tbp.flame", payload) for payload in payloads).encode()
