"""``tbp demo``: a sample project from its repository to its report."""

from __future__ import annotations

import argparse
from pathlib import Path

from tbp.errors import ExitCode
from tbp.system.printing import warn

HELP = "make a sample repository, time and trace its commits for real, and report"
EXAMPLES = (
    ("in demo/, which must be empty or not there", "tbp demo"),
    ("elsewhere", "tbp demo --out /tmp/demo"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="empty folder (default: demo)")


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 whatever is detected, as detecting is what it is for."""
    from tbp.commands.output import print_summary
    from tbp.demo.run import measure, prepare
    from tbp.project.asv_config import read_config
    from tbp.report.site.build import write_site
    from tbp.report.site.load import report_data
    from tbp.report.site.terminal import report_summary
    from tbp.system.progress import Progress

    with Progress() as progress:
        demo = measure(prepare(options.out), progress)
    warn(f"asv took {demo.seconds:.0f} s")
    data = report_data(read_config(demo.sample / "asv.conf.json"), None)
    print_summary(report_summary(data, write_site(data, demo.site)))
    return ExitCode.OK
