"""``tbp data pull``: what other runners measured, merged into the results folder."""

from __future__ import annotations

import argparse

from tbp.commands.options import add_data_options
from tbp.errors import ExitCode

HELP = "bring the results of a data branch into the results folder"

EXAMPLES = (
    ("the results of all runners, from the branch tbp-data of origin", "tbp data pull"),
    ("from a branch of another remote", "tbp data pull --data upstream/nightly-results"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0, and 4 when the remote cannot be reached: nothing is lost then."""
    from tbp.commands.output import exchange_results

    return exchange_results(options, lambda exchange: exchange.pull())
