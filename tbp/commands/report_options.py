"""The options of ``tbp report`` and ``tbp ack``; what they do belongs to the modules beside this one."""

from __future__ import annotations

import argparse
from pathlib import Path

from tbp.commands.options import add_branch_option, add_config_option, add_results_options

DEFAULT_PORT = 8765


def add_report_options(parser: argparse.ArgumentParser) -> None:
    add_results_options(parser)
    add_branch_option(parser)
    parser.add_argument("--out", type=Path, default=Path("reports/site"), metavar="DIR", help="default: reports/site")
    say = "accepted changes (default: reports/acks.toml beside the configuration)"
    parser.add_argument("--acks", type=Path, metavar="FILE", help=say)
    parser.add_argument("--exit-zero", action="store_true", help="do not let a regression set the exit code")


def add_showing_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base", default="", metavar="REV", help="count only changes after this revision")
    parser.add_argument("--single-file", action="store_true", help="the whole site as DIR/report.html, to send")
    say = "serve the site on 127.0.0.1 until Ctrl-C"
    parser.add_argument("--serve", action="store_true", help=say)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, metavar="N", help="of --serve (default: %(default)s)")
    parser.add_argument("--open", action="store_true", help="open it in the browser")


def add_ack_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("benchmark", metavar="BENCHMARK", help="asv's name, or a pattern with * and ?")
    parser.add_argument("commit", metavar="COMMIT", help="the first one at the new level")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why it is accepted")
    parser.add_argument("--until", default="", metavar="DAY", help="2026-12-31: from the next day on it counts again")
    add_config_option(parser)
    add_branch_option(parser)
    say = "default: reports/acks.toml beside the configuration"
    parser.add_argument("--acks", type=Path, metavar="FILE", help=say)
