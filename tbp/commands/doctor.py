"""``tbp doctor``: what of this machine would spoil a measurement, and the line that mends it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tbp.commands.options import VERDICT, add_form_option, group_of
from tbp.errors import ExitCode, RunFailed

if TYPE_CHECKING:
    from tbp.doctor.diagnosis import Diagnosis

HELP = "what of this machine would spoil a measurement, how noisy it is, and the lines that mend it; changes nothing"
EXAMPLES = (
    ("before a machine measures for the first time, and when its numbers jump", "tbp doctor"),
    ("in a second: facts and findings, without measuring the noise", "tbp doctor --quick"),
    (
        "in a job, before it measures: exit code 5 where something grave stands",
        "tbp doctor --strict --json doctor.json",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="leave out the A/A that measures the noise (about 8 s)")
    add_form_option(parser, "--json", "as JSON")
    group_of(parser, VERDICT).add_argument(
        "--strict", action="store_true", help="exit with 5 if a finding is grave: what is measured now may be undecided"
    )


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 whatever is found; with ``--strict`` 5 where a finding is grave."""
    from tbp.commands.output import has_colours, require_writable, terminal_width, write_forms
    from tbp.doctor.finding import Severity
    from tbp.doctor.json_form import to_json
    from tbp.doctor.table import table

    require_writable({"--json": options.json})
    diagnosed = _diagnosed(options.quick)
    forms = {"--json": (options.json, lambda: to_json(diagnosed))}
    write_forms(forms, lambda: table(diagnosed, colour=has_colours(), width=terminal_width()))
    is_grave = diagnosed.counts[Severity.GRAVE] > 0
    return ExitCode.UNDECIDED if options.strict and is_grave else ExitCode.OK


def _diagnosed(is_quick: bool) -> Diagnosis:
    """The facts first, as the A/A is itself work that keeps cores busy."""
    from tbp.doctor.diagnosis import diagnosis
    from tbp.doctor.facts import Unread
    from tbp.doctor.reading.machine import ThisProcess, read_machine

    machine = read_machine(ThisProcess.here())
    if is_quick:
        return diagnosis(machine, unread=(Unread("noise", "--quick leaves its measurement out"),))
    from tbp.doctor.noise import noise_of
    from tbp.doctor.twins import PAIRS, twin_pairs
    from tbp.system.progress import Progress

    try:
        with Progress() as progress:
            progress.say("measuring the noise")
            pairs = twin_pairs(lambda ended: progress.at(ended, PAIRS))
        return diagnosis(machine, noise_of(pairs))
    except RunFailed as failed:
        return diagnosis(machine, unread=(Unread("noise", str(failed)),))
