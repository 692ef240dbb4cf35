"""The pages beside the index and those of the benchmarks: all series seen by commit, by machine, by size.

Takes ``ReportData``, gives file names and bytes; writing them belongs to ``site``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tbp.report.changes import changes_page
from tbp.report.chart_data import site_commits
from tbp.report.comparison import compare_page, states
from tbp.report.compression import compression_page
from tbp.report.grid import payload
from tbp.report.heatmap import heatmap_page
from tbp.report.machines import machines_page
from tbp.report.model import ReportData
from tbp.report.pages import Frame, page_html, script_call
from tbp.report.summary import by_name


def views(data: ReportData, frame: Frame) -> Iterator[tuple[str, bytes]]:
    """Each page, and the data its script reads."""
    order = site_commits(data).commits
    histories = by_name(data.histories)
    if histories:
        packed = payload(histories, order, data.commit_url, data.runs, data.tags)
        yield "data/grid.js", script_call("tbp.grid", {**packed, "states": states()}).encode()
    yield "heatmap.html", page_html("heatmap.html", heatmap_page(data, order), frame).encode()
    yield "compare.html", page_html("compare.html", compare_page(data, order), frame).encode()
    yield "machines.html", page_html("machines.html", machines_page(data), frame).encode()
    yield "compression.html", page_html("compression.html", compression_page(data), frame).encode()
    yield "changes.html", page_html("changes.html", changes_page(data, order), frame).encode()
