"""``tbp report``: load the results, analyse them, write the site, and say what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbp.errors import UsageError
from tbp.project.asv_config import configuration, own_config
from tbp.report.parts.addresses import INDEX

if TYPE_CHECKING:
    from tbp.report.base.report_data import ReportData

SINGLE = "report.html"


class Said(NamedTuple):
    """What a report prints, and what its exit code depends on."""

    lines: str
    problems: str
    is_regressed: bool


class Wanted(NamedTuple):
    """What the command line asks for."""

    config: Path | None
    results: Path | None
    out: Path
    acks: Path | None = None
    base: str = ""
    is_single: bool = False  # one file instead of a folder
    branch: str = ""  # in place of the configured one

    @property
    def first_page(self) -> Path:
        """The page that a reader opens."""
        if not self.is_single:
            return self.out / INDEX
        return self.out if self.out.suffix == ".html" else self.out / SINGLE


def report(wanted: Wanted) -> Said:
    """The site is in ``wanted.out`` when this returns.

    Raises:
        NothingMeasured: there is no result.
        UsageError: something cannot be read, written or meant.
    """
    from tbp.report.site.build import write_single_file, write_site
    from tbp.report.site.load import View, report_data

    config = configuration(wanted.config, wanted.results, wanted.branch)
    if wanted.branch and own_config(config, wanted.results) is None:
        raise UsageError(
            f"--branch {wanted.branch}: these results are not those of asv.conf.json; leave one of the two"
        )
    data = report_data(config, wanted.results, View(wanted.acks, wanted.base))
    if wanted.is_single:
        write_single_file(data, wanted.first_page)
    else:
        write_site(data, wanted.out)
    return said_of(data, wanted.first_page)


def said_of(data: ReportData, index: Path) -> Said:
    """What was found, a line per event with a change that stands, and where the report is."""
    from tbp.model.changes import State
    from tbp.project.directions import undirected
    from tbp.report.pages.index.notes import first
    from tbp.report.parts.series_order import ranked
    from tbp.report.parts.verdict_sentence import verdict
    from tbp.report.site.load import standing_regressions
    from tbp.report.site.terminal import event_lines

    histories = ranked(data.histories)
    found = event_lines(data, histories)
    changed = [history.key.benchmark for history in histories if history.state is State.CHANGED]
    remark = [undirected(changed)] if changed else []
    opening = [preface.said] if (preface := first(data)) is not None else []
    return Said(
        lines="\n".join([*opening, verdict(histories, data), *found, *remark, f"report: {index.resolve()}"]),
        problems="\n".join(f"tbp: {problem}" for problem in data.problems),
        is_regressed=bool(standing_regressions(data.histories)),
    )
