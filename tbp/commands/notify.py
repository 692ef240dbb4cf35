"""``tbp notify``: the events that are new since somebody was told last, sent to where people read."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from tbp.commands.options import (
    add_acks_option,
    add_branch_option,
    add_form_option,
    add_results_options,
    find_config,
)
from tbp.errors import ExitCode, UsageError
from tbp.system.printing import warn

if TYPE_CHECKING:
    from tbp.notify.run import Delivered, NotifyRequest
    from tbp.project.asv_config import AsvConfig

HELP = "tell people of regressions that are new since they were told last"
EXAMPLES = (
    ("what is new, as an e-mail on stdout; nothing is sent or noted", "tbp notify"),
    ("one issue per event, from a job of GitHub", "tbp notify --github-issue"),
    ("one message per event to the webhook in $TBP_SLACK_WEBHOOK_URL", "tbp notify --slack --send"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    targets = parser.add_argument_group("targets", "without one, the text of an e-mail goes to stdout")
    targets.add_argument(
        "--slack", action="store_true", help="the webhook in TBP_SLACK_WEBHOOK_URL, Slack or compatible"
    )
    meaning = "JSON to the webhook in TBP_WEBHOOK_URL, with the bearer token in TBP_WEBHOOK_TOKEN if there is one"
    targets.add_argument("--webhook", action="store_true", help=meaning)
    meaning = "an issue for each event, opened, updated and closed, in GITHUB_REPOSITORY with GITHUB_TOKEN"
    targets.add_argument("--github-issue", action="store_true", help=meaning)
    meaning = "as --github-issue, in the project CI_PROJECT_ID of CI_API_V4_URL with GITLAB_TOKEN"
    targets.add_argument("--gitlab-issue", action="store_true", help=meaning)
    meaning = "a comment on the commit of each event, in GITHUB_REPOSITORY with GITHUB_TOKEN"
    targets.add_argument("--github-comment", action="store_true", help=meaning)
    meaning = "a name for who reads it, where several webhooks get the same results"
    targets.add_argument("--receiver", default="", metavar="NAME", help=meaning)
    parser.add_argument("--improvements", action="store_true", help="tell of improvements too (not in issues)")
    meaning = "where a target begins, tell of every regression that stands by itself, not of all in one message"
    parser.add_argument("--each", action="store_true", help=meaning)
    meaning = "where the report is published, for links (default: TBP_REPORT_URL)"
    parser.add_argument("--report-url", default="", metavar="URL", help=meaning)
    sending = parser.add_mutually_exclusive_group()
    meaning = "send; without it nothing is sent or noted unless this is a job of a CI system (CI is set)"
    sending.add_argument("--send", action="store_true", help=meaning)
    sending.add_argument("--dry-run", action="store_true", help="show what would be sent, and note nothing")
    add_form_option(parser, "--json", "what is told to whom, as JSON")
    add_results_options(parser)
    add_branch_option(parser)
    add_acks_option(parser)
    parser.add_argument("--base", default="", metavar="REV", help="only changes after this revision")


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 when all was delivered or nothing is new, 4 when a target did not take something."""
    from tbp.commands.output import require_writable, write_forms
    from tbp.notify.run import as_json, deliver

    require_writable({"--json": options.json})
    request = _request(options)
    if not request.is_sent:
        warn("tbp: a dry run: nothing is sent or noted; --send does")

    def printed(delivered: Delivered) -> None:
        lines = "".join(f"{line}\n" for line in delivered.lines)
        write_forms({"--json": (options.json, lambda: as_json(delivered))}, lambda: delivered.text or lines)

    delivered = deliver(request, _configuration(options), options.results, os.environ, printed)
    if not (delivered.targets or delivered.lines or delivered.failures):
        warn("tbp: nothing is new")
    warn(*(f"tbp: {failure}" for failure in delivered.failures))
    return ExitCode.NOTHING_MEASURED if delivered.failures else ExitCode.OK


def _request(options: argparse.Namespace) -> NotifyRequest:
    from tbp.notify.run import NotifyRequest
    from tbp.notify.targets import TargetChoice, is_ci
    from tbp.project.links import web_address

    report_url = options.report_url or os.environ.get("TBP_REPORT_URL", "")
    if report_url and not web_address(report_url):
        raise UsageError("--report-url (or TBP_REPORT_URL) must begin with https:// or http:// and a host")
    names = TargetChoice.__struct_fields__
    return NotifyRequest(
        choice=TargetChoice(**{name: getattr(options, name) for name in names}),
        is_sent=options.send or (is_ci(os.environ) and not options.dry_run),
        has_improvements=options.improvements,
        is_each=options.each,
        report_url=report_url,
        acks=options.acks,
        base=options.base,
    )


def _configuration(options: argparse.Namespace) -> AsvConfig | None:
    from tbp.project.asv_config import configuration

    find_config(options)
    return configuration(options.config, options.results, options.branch)
