"""``tbp ack``: a change that the project accepts from now on."""

from __future__ import annotations

import argparse
from pathlib import Path

from tbp.commands.options import add_acks_option, add_branch_option, add_config_option
from tbp.errors import ExitCode
from tbp.system.printing import say

HELP = "accept a change: it stays in the report, and is no regression any more"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("benchmark", metavar="BENCHMARK", help="asv's name, or a pattern with * and ?")
    parser.add_argument("commit", metavar="COMMIT", help="the first one at the new level")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why it is accepted")
    parser.add_argument("--until", default="", metavar="DAY", help="2026-12-31: from the next day on it counts again")
    add_config_option(parser)
    add_branch_option(parser)
    add_acks_option(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 when the acknowledgement is written."""
    from tbp.project.acknowledgements import new_ack, require_on_branch, write_ack
    from tbp.project.asv_config import ACKS, default_path, read_config

    config_path = options.config or default_path()
    config = read_config(config_path, options.branch) if config_path else None
    path = options.acks or (config.acks_file if config else ACKS)
    ack = new_ack(
        options.benchmark, options.commit, options.reason, options.until, config.repository if config else Path()
    )
    if config is not None and config.repository is not None:
        require_on_branch(ack, config.repository, config.branch)
    write_ack(ack, path)
    say(f"{ack.benchmark} at {ack.commit[:8]} is acknowledged in {path}")
    return ExitCode.OK
