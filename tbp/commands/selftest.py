"""``tbp selftest``: does the ruler tell the truth on this device?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tbp.commands.options import add_form_option
from tbp.errors import ExitCode

if TYPE_CHECKING:
    from tbp.doctor.device_test.results import CheckResult, DeviceTest

HELP = "check on a GPU or CPU that tbp's clock, counters, traces and building blocks are right; a report to paste"
EXAMPLES = (
    ("on a machine with a GPU, in under five minutes", "tbp selftest --device cuda > selftest.md"),
    ("as far as a CPU shows it, and for programs", "tbp selftest --device cpu --json selftest.json"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda", help="what is tested (default: cuda)")
    add_form_option(parser, "--json", "as JSON")


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 where no check failed, 4 where one did; it is 4 too where there is no such device."""
    from tbp.commands.output import require_writable, write_forms
    from tbp.doctor.device_test.report import markdown, to_json
    from tbp.doctor.device_test.results import CheckState

    require_writable({"--json": options.json})
    test = _tested(options.device)
    write_forms({"--json": (options.json, lambda: to_json(test))}, lambda: markdown(test))
    return ExitCode.NOTHING_MEASURED if test.counts[CheckState.FAILED] else ExitCode.OK


def _tested(device: str) -> DeviceTest:
    from tbp.doctor.device_test.report import line
    from tbp.doctor.device_test.run import device_test
    from tbp.system.progress import Progress

    with Progress() as progress:
        progress.say("starting")
        ended = 0

        def tell(result: CheckResult, checks: int) -> None:
            nonlocal ended
            ended += 1
            progress.line(line(result))
            progress.at(ended, checks)

        return device_test(device, tell)
