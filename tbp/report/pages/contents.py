"""The data of a report, with what several of its pages show: each of it computed once."""

from __future__ import annotations

from functools import cached_property

from msgspec import Struct

from tbp.report.base.report_data import ReportData
from tbp.report.pages.claims.page import ClaimsPage, claims_page
from tbp.report.pages.compression.page import CompressionPage, compression_page
from tbp.report.pages.index.page import Summary, summary
from tbp.report.pages.machines.page import MachinesPage, machines_page


class SiteContents(Struct, frozen=True, dict=True):
    """The makers of pages and of their data take it."""

    data: ReportData

    @cached_property
    def summary(self) -> Summary:
        """The content of the index, with a row for each series."""
        return summary(self.data)

    @cached_property
    def compression(self) -> CompressionPage:
        """The content of the page of compressed models, with its charts."""
        return compression_page(self.data)

    @cached_property
    def claims(self) -> ClaimsPage:
        """The content of the page of claims, with its charts."""
        return claims_page(self.data)

    @cached_property
    def machines(self) -> MachinesPage:
        """The content of the page of machines."""
        return machines_page(self.data)
