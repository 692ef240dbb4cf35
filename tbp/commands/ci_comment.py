"""``tbp ci comment``: the verdict of a gate as one comment, in a job that runs no code of the pull request."""

from __future__ import annotations

import argparse
import os

from tbp.errors import ExitCode
from tbp.system.printing import say

HELP = "write the verdict of a gate as one comment on its pull request, after the gate's workflow has ended"

EXAMPLES = (
    ("in a job on workflow_run, with GITHUB_TOKEN in its environment", "tbp ci comment"),
    ("no comment where nothing changed, until the first change", "tbp ci comment --only-changes"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--artifact", default="tbp-gate", metavar="NAME", help="of the gate's files (default: tbp-gate)"
    )
    meaning = "the label that asks for a gate, taken off when it has ended (default: tbp-gate)"
    parser.add_argument("--label", default="tbp-gate", metavar="NAME", help=meaning)
    parser.add_argument("--only-changes", action="store_true", help="write no first comment where nothing changed")


def run(options: argparse.Namespace) -> ExitCode:
    """Returns OK, also where there is nothing to comment on. NotDelivered and its exit code say that GitHub refused."""
    from tbp.ci.pull_request import Wishes, commented, finished_run
    from tbp.web.github import GitHub

    finished = finished_run(os.environ)
    wishes = Wishes(options.artifact, options.label, options.only_changes)
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    say(commented(GitHub.from_environment(), finished, wishes, server))
    return ExitCode.OK
