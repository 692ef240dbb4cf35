"""``tbp ack``: a regression that the project accepts from now on, or that somebody looks after."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import (
    add_acks_option,
    add_benchmark,
    add_branch_option,
    add_results_options,
    add_revision,
    find_config,
)
from tbp.errors import ExitCode, NothingMeasured
from tbp.system.printing import say, warn

if TYPE_CHECKING:
    from tbp.asv.sources import Where
    from tbp.project.acknowledgements import Ack
    from tbp.project.asv_config import AsvConfig

HELP = "accept a regression, or say who looks into it: it stays in the report, and need not set the exit code"
EXAMPLES = (
    ("accept what one commit cost one benchmark", "tbp ack bench.time_step 3f2a91c --reason 'float32 on purpose'"),
    (
        "somebody looks into all that moved with a range of commits; it still counts",
        "tbp ack 3f2a91c..91cc04b --owner ada --status investigating",
    ),
    ("accept it until a day", "tbp ack 'attention.*' 3f2a91c --reason 'waits for a release' --until 2027-01-31"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    meaning = "asv's name, or a pattern with * and ?; without it, all series that moved with COMMIT, on every machine"
    add_benchmark(parser, "benchmark", meaning, nargs="?", default="")
    meaning = "the first one at the new level, or as A..B the range of an event as the report has it"
    add_revision(parser, "commit", "COMMIT", meaning)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why it is accepted")
    parser.add_argument("--until", default="", metavar="DAY", help="2026-12-31: from the next day on it counts again")
    parser.add_argument("--owner", default="", metavar="NAME", help="who looks after it")
    meaning = "investigating (it still counts), expected, wontfix, or 'fixed in COMMIT'"
    parser.add_argument("--status", default="", metavar="STATUS", help=meaning)
    parser.add_argument("--link", default="", metavar="URL", help="of an issue or a discussion")
    parser.add_argument("--update", action="store_true", help="change the entry that there is")
    add_results_options(parser)
    add_branch_option(parser)
    add_acks_option(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 when the entry is written."""
    from tbp.project.asv_config import ACKS, configuration, default_path
    from tbp.project.new_acknowledgement import AckRequest, new_ack, require_on_branch, write_ack

    find_config(options)
    is_project = options.config or options.results or default_path()
    config = configuration(options.config, options.results, options.branch) if is_project else None
    path = options.acks or (config.acks_file if config else ACKS)
    request = AckRequest(**{name: getattr(options, name) for name in AckRequest.__struct_fields__})
    ack = new_ack(request, config.repository if config else Path())
    if config is not None and config.repository is not None:
        require_on_branch(ack, config.repository, config.branch)
    ack, extent = _looked_up(ack, config, options.results)
    write_ack(ack, path, options.update)
    say(f"{ack.subject}{extent} is {ack.status_text} in {path}")
    return ExitCode.OK


def _looked_up(ack: Ack, config: AsvConfig | None, results: Where | None) -> tuple[Ack, str]:
    """The entry with the range of its event, and how many series that is; as it is where nothing is measured yet.

    Raises UsageError where the results have no such event or benchmark with a regression, or it has expired.
    """
    from tbp.report.site.events import event_to_accept, require_regression, require_unexpired
    from tbp.report.site.load import report_data

    try:
        data = report_data(config, results)
    except NothingMeasured as error:
        warn(f"tbp: the {'event' if ack.is_event else 'regression'} is not looked up: {error}")
        return ack, ""
    require_unexpired(ack, data)
    if not ack.is_event:
        require_regression(ack, data)
        return ack, ""
    return event_to_accept(ack, data)
