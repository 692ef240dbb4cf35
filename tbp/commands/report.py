"""``tbp report``: the site of a results folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import add_site_options, find_config
from tbp.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tbp.project.asv_config import AsvConfig

HELP = "HTML from asv's results and the traces beside them"
EXAMPLES = (
    ("a site in reports/site of what asv measured in this project", "tbp report"),
    (
        "look at it in the browser, also from results without their repository",
        "tbp report --results downloads/results --serve --open",
    ),
    (
        "one file to send, of one machine's results, counting changes since the last release",
        "tbp report --single-file --machine ci-1 --base v1.2 --out reports",
    ),
)
DEFAULT_PORT = 8765
SINGLE = "report.html"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site_options(parser)
    parser.add_argument("--machine", default="", metavar="NAME", help="only this machine's results (default: all)")
    parser.add_argument("--base", default="", metavar="REV", help="count only changes after this revision")
    meaning = (
        "call changes new after it: 2026-05-01, a revision, or a number of days (default: 7, up to the newest result)"
    )
    parser.add_argument("--since", default="", metavar="WHEN", help=meaning)
    parser.add_argument("--all", action="store_true", help="print all events and problems, not 30 lines")
    parser.add_argument("--single-file", action="store_true", help="the whole site as DIR/report.html, to send")
    meaning = "serve the site on 127.0.0.1 until Ctrl-C"
    parser.add_argument("--serve", action="store_true", help=meaning)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, metavar="N", help="of --serve (default: %(default)s)")
    parser.add_argument("--open", action="store_true", help="open it in the browser")


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 3 when a confirmed regression stands at the newest commit that nobody acknowledged.

    It is 4 when no series has a value there.
    """
    from tbp.commands.output import print_summary, say_waiting, verdict_code
    from tbp.report.site.build import write_single_file, write_site
    from tbp.report.site.load import View, report_data
    from tbp.report.site.terminal import report_summary

    site = None if options.single_file else options.out  # what is sent leaves the traces behind
    view = View(options.acks, options.base, options.since, site, options.machine)
    data = report_data(_configuration(options), options.results, view)
    if options.single_file:
        is_file = options.out.suffix == ".html"
        first_page = write_single_file(data, options.out if is_file else options.out / SINGLE)
    else:
        first_page = write_site(data, options.out, say_waiting)
    summary = report_summary(data, first_page, options.all)
    print_summary(summary)
    if options.serve or options.open:
        _show(first_page, data.results, options)
    return verdict_code(summary.is_regressed, summary.is_measured, options.exit_zero)


def _configuration(options: argparse.Namespace) -> AsvConfig | None:
    """Raises UsageError where it cannot be read, or where a branch is named of results from elsewhere."""
    from tbp.project.asv_config import configuration, own_config

    find_config(options)
    config = configuration(options.config, options.results, options.branch)
    if options.branch and own_config(config, options.results) is None:
        raise UsageError(
            f"--branch {options.branch}: these results are not those of asv.conf.json; leave one of the two"
        )
    return config


def _show(first_page: Path, results: str, options: argparse.Namespace) -> None:
    """Serves the site until Ctrl-C, with the traces of ``results``, or opens it, as the command line wants it."""
    from tbp.report.site.serve import serve, show

    if options.serve:
        serve(first_page, options.port, options.open, results)
    else:
        show(first_page.resolve().as_uri())
