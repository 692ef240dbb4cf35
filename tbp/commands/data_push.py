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
    from tbp.commands.output import require_writable, write_exchanged
    from tbp.nightly.data_branch import shared_with
    from tbp.nightly.night_lock import only_night
    from tbp.project.asv_config import read_config

    require_writable({"--json": options.json})
    config = read_config(options.config)
    exchange = shared_with(config, options.data)
    with only_night(config.results_dir):
        exchanged = exchange.push("Results")
    write_exchanged(exchange, exchanged, options.json)
    return ExitCode.OK
