"""``tbp ci comment``: the verdict of a gate as one comment, in a job that runs no code of the pull request."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tbp.errors import ExitCode
from tbp.system.printing import say

HELP = "write the verdict of a gate as one comment on its pull or merge request, in a job that runs no code of it"

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
    meaning = "on GitLab, the folder that ci gate wrote (default: tbp-gate)"
    parser.add_argument("--files", type=Path, default=Path("tbp-gate"), metavar="DIR", help=meaning)
    parser.add_argument("--only-changes", action="store_true", help="write no first comment where nothing changed")


def run(options: argparse.Namespace) -> ExitCode:
    """Returns OK, also where there is nothing to comment on. A server that refuses is a NotDelivered."""
    if os.environ.get("GITLAB_CI"):
        from tbp.ci.merge_request import noted
        from tbp.web.gitlab import GitLab

        say(noted(GitLab.from_environment(), os.environ, options.files, options.only_changes))
        return ExitCode.OK
    from tbp.ci.pull_request import Wishes, commented, finished_run
    from tbp.web.github import GitHub

    finished = finished_run(os.environ)
    wishes = Wishes(options.artifact, options.label, options.only_changes)
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    say(commented(GitHub.from_environment(), finished, wishes, server))
    return ExitCode.OK
