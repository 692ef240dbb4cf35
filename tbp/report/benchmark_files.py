"""The files of one benchmark: its page, and the data that the page loads.

Takes what a site is made from with the histories of one benchmark only, gives names and bytes. It needs nothing else,
so it may be done in any process, and not at all while its key is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tbp.report.detail import benchmark_page
from tbp.report.flame import data_files
from tbp.report.model import ReportData
from tbp.report.pages import Frame, benchmark_html, script_call


@dataclass(frozen=True)
class Wanted:
    """One benchmark's page to make."""

    benchmark: str
    data: ReportData  # with the histories of this benchmark only
    frame: Frame  # of a page below the index

    @property
    def runs(self) -> int:
        return sum(len(history.points) for history in self.data.histories)


def wanted(data: ReportData, frame: Frame) -> list[Wanted]:
    """One for each benchmark, in order of their names."""
    ordered = sorted(data.histories, key=lambda history: history.key.benchmark)
    below = replace(frame, root="../")
    return [
        Wanted(benchmark, replace(data, histories=tuple(own)), below)
        for benchmark, own in groupby(ordered, key=lambda history: history.key.benchmark)
    ]


def benchmark_files(asked: Wanted) -> dict[str, bytes]:
    """The content of each file, by its name relative to the site."""
    return dict(_files(asked))


def files_of_all(asked: Sequence[Wanted]) -> list[dict[str, bytes]]:
    return [benchmark_files(one) for one in asked]


def _files(asked: Wanted) -> Iterator[tuple[str, bytes]]:
    page = benchmark_page(asked.benchmark, asked.data)
    yield page.file, benchmark_html(page, asked.frame).encode()
    yield page.data_file, script_call("tbp.chart", page.chart.payload).encode()
    for name, payloads in data_files(own for section in page.sections for own in section.flames):
        yield name, "".join(script_call("tbp.flame", payload) for payload in payloads).encode()
