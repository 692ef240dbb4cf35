"""The command line: its parser, and the table of verbs.

Each verb is one module of ``tbp.commands`` with ``HELP``, ``add_options(parser)`` and ``run(options)``, which loads,
analyses, renders and writes. Those modules import what is heavy when they run, so that help comes at once. Results go
to stdout, progress and warnings to stderr. Exit codes are ``tbp.errors.ExitCode``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from tbp import __version__
from tbp.system.foreign_text import line_of

# The verb → its module in tbp.commands, in the order of the help. A verb of two words belongs to a group.
VERBS = {
    "init": "init",
    "report": "report",
    "ack": "acknowledge",
    "nightly": "nightly",
    "compare": "compare",
    "gate": "gate",
    "hotspots": "hotspots",
    "export": "export",
    "trace prune": "prune",
    "demo": "demo",
}
GROUPS = {"trace": "what is kept of the traces beside asv's results"}
EXIT_CODES = """exit codes:
  0  no confirmed regression        4  nothing measured, or benchmarks failed
  2  usage, configuration or input  5  something is undecided (only with --strict)
  3  confirmed regression          130  interrupted, no regression confirmed
"""


class Parser(argparse.ArgumentParser):
    """Names a bad argument in one line: it may be the name of somebody's branch."""

    def error(self, message: str) -> NoReturn:
        super().error(line_of(message))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Returns the options on the command line; ``verb`` among them is the function to run."""
    return parser().parse_args(arguments)


def parser() -> Parser:
    """The parser of all verbs; its options have their ``verb``."""
    top = Parser(
        prog="tbp",
        description="Which commit made what slower, by how much, how sure that is, and which operator did it.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"tbp {__version__}")
    menus = {"": top.add_subparsers(title="verbs", required=True, metavar="VERB")}
    for words, module in VERBS.items():
        group, _, name = words.rpartition(" ")
        if group not in menus:
            grouped = menus[""].add_parser(group, help=GROUPS[group], description=GROUPS[group])
            menus[group] = grouped.add_subparsers(title="verbs", required=True, metavar="VERB")
        command = import_module(f"tbp.commands.{module}")
        verb = menus[group].add_parser(name, help=command.HELP, description=command.HELP)
        verb.set_defaults(verb=command.run)
        command.add_options(verb)
    return top
