"""The data of a report, with what several of its pages show: each of it computed once."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from tbp.model.series import Commit
from tbp.report.base.report_data import ReportData
from tbp.report.data.history_chart import site_commits
from tbp.report.pages.index.page import Summary, summary


class SiteContents(Struct, frozen=True, dict=True):
    """The makers of pages and of their data take it."""

    data: ReportData

    @cached_property
    def order(self) -> tuple[Commit, ...]:
        """The commits of the site, oldest first."""
        return site_commits(self.data).commits

    @cached_property
    def summary(self) -> Summary:
        """The content of the index, with a row for each series."""
        return summary(self.data)
