"""``tbp data push``: what was measured here, merged into the data branch; no code of the project runs."""

from __future__ import annotations

import argparse

from tbp.commands.options import add_data_options
from tbp.errors import ExitCode

HELP = "bring the results folder to a data branch, merged with what is there"

EXAMPLES = (
    ("what was measured here, to the branch tbp-data of origin", "tbp data push"),
    ("for a script: which files were sent", "tbp data push --json"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0, and 4 when the remote cannot be reached or refuses: nothing is lost then."""
    from tbp.commands.output import exchange_results

    return exchange_results(options, lambda exchange: exchange.push("Results"))
