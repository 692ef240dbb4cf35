"""The pages beside the index and those of the benchmarks: all series seen by commit, by machine, by size.

Takes ``ReportData``, gives what makes each of them, in any process; writing them belongs to ``site``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from tbp.model.series import Commit
from tbp.report.base.render import Frame, page_html, script_call
from tbp.report.base.report_data import ReportData
from tbp.report.data.history_chart import site_commits
from tbp.report.data.run_grid import payload
from tbp.report.pages.changes import changes_page
from tbp.report.pages.compare.page import compare_page, states
from tbp.report.pages.compression.page import compression_page
from tbp.report.pages.heatmap import heatmap_page
from tbp.report.pages.machines.page import machines_page
from tbp.report.parts.series_order import by_name

Making: TypeAlias = Callable[[], dict[str, bytes]]  # of files: the content of each by its name in the site


def views(data: ReportData, frame: Frame) -> list[Making]:
    """What makes each page, with the data its script reads: file names and contents. What takes longest is first."""
    order = site_commits(data).commits
    made: list[Making] = [
        partial(_page, "compare.html", compare_page, data, frame, order),
        partial(_page, "changes.html", changes_page, data, frame, order),
        partial(_page, "machines.html", machines_page, data, frame),
        partial(_page, "heatmap.html", heatmap_page, data, frame, order),
        partial(_page, "compression.html", compression_page, data, frame),
    ]
    return [partial(_grid, data, order), *made] if data.histories else made


def _page(
    name: str, page: Callable[..., object], data: ReportData, frame: Frame, *more: Sequence[Commit]
) -> dict[str, bytes]:
    return {name: page_html(name, page(data, *more), frame).encode()}


def _grid(data: ReportData, order: Sequence[Commit]) -> dict[str, bytes]:
    packed = payload(by_name(data.histories), order, data.commit_url, data.runs, data.tags, data.beside, data.machines)
    return {"data/grid.js": script_call("tbp.grid", {**packed, "states": states()}).encode()}
