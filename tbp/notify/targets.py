"""The targets that a command line names, with their addresses and tokens from the environment.

A dry run has the same targets, which show what they would send, and neither need nor use a token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from tbp.errors import UsageError
from tbp.nightly.told import Fate
from tbp.notify.hooks import HookAddress, HookTarget, Message, comment_target, slack_target, webhook_target
from tbp.notify.tracker import GITHUB, GITLAB, TrackedIssue, Tracker
from tbp.web.github import API, GitHub
from tbp.web.gitlab import GitLab
from tbp.web.secret import MASK, Secret, address_of, secret_of

SLACK_URL, WEBHOOK_URL, WEBHOOK_TOKEN = "TBP_SLACK_WEBHOOK_URL", "TBP_WEBHOOK_URL", "TBP_WEBHOOK_TOKEN"
UNKNOWN_HOST = "unknown.invalid"

Environment = Mapping[str, str]
Show = Callable[[str], None]


class TargetChoice(Struct, frozen=True):
    """The targets of a command line."""

    slack: bool = False
    webhook: bool = False
    github_issue: bool = False
    github_comment: bool = False
    gitlab_issue: bool = False
    receiver: str = ""  # in the note, where several get the same kind

    @property
    def is_any(self) -> bool:
        return self.slack or self.webhook or self.github_issue or self.github_comment or self.gitlab_issue


def is_ci(environment: Environment) -> bool:
    """True in a job of a CI system, all of which set CI."""
    return environment.get("CI", "").lower() not in ("", "0", "false")


def hooks(choice: TargetChoice, environment: Environment, shown: Show | None) -> list[HookTarget]:
    """The targets of messages; with ``shown`` they show what they would send.

    Raises UsageError where a variable is missing or cannot be meant.
    """
    targets = []
    if choice.slack:
        targets.append(slack_target(_name("slack", choice), _hook(SLACK_URL, "", environment, shown)))
    if choice.webhook:
        hook = _hook(WEBHOOK_URL, WEBHOOK_TOKEN, environment, shown)
        targets.append(webhook_target(_name("webhook", choice), hook))
    if choice.github_comment:
        targets.append(comment_target(_github(environment, shown)))
    return targets if shown is None else [_showing(target, shown) for target in targets]


def trackers(choice: TargetChoice, environment: Environment, shown: Show | None) -> list[Tracker]:
    """The trackers of issues. Raises UsageError as ``hooks``."""
    several: list[Tracker] = []
    if choice.github_issue:
        several.append(Tracker(_github(environment, shown), GITHUB))
    if choice.gitlab_issue:
        several.append(Tracker(_gitlab(environment, shown), GITLAB))
    return several if shown is None else [ShownTracker(each.host, each.form, shown) for each in several]


class ShownTracker(Tracker, frozen=True):
    """A tracker that asks nobody and shows what it would do."""

    shown: Show

    def listed(self) -> Iterator[TrackedIssue]:
        return iter(())

    def issue(self, number: int) -> TrackedIssue | None:
        return None

    def open(self, title: str, body: str) -> int:
        self.shown(f"--- would open in {self.name}: {title}\n{body}")
        return 0

    def edit(self, number: int, title: str, body: str, fate: Fate) -> None:
        self.shown(f"--- would edit #{number} in {self.name}: {title}")

    def comment(self, number: int, text: str) -> None:
        self.shown(f"--- would comment on #{number} in {self.name}: {text}")


def _name(kind: str, choice: TargetChoice) -> str:
    return f"{kind}:{choice.receiver}" if choice.receiver else kind


def _hook(variable: str, token: str, environment: Environment, shown: Show | None) -> HookAddress:
    address = address_of(environment, variable)
    if address is None and shown is None:
        raise UsageError(f"{variable} is empty: set it to the webhook's address, as a secret of the job")
    return HookAddress(
        address or Secret(f"https://{UNKNOWN_HOST}/{variable}"),
        variable,
        secret_of(environment, token) if token else None,
    )


def _github(environment: Environment, shown: Show | None) -> GitHub:
    if shown is None:
        return GitHub.from_environment(environment)
    return GitHub(environment.get("GITHUB_REPOSITORY") or "OWNER/NAME", Secret(MASK), API)


def _gitlab(environment: Environment, shown: Show | None) -> GitLab:
    if shown is None:
        return GitLab.from_environment(environment)
    return GitLab(environment.get("CI_PROJECT_ID") or "PROJECT", Secret(MASK), "")


def _showing(target: HookTarget, shown: Show) -> HookTarget:
    address = "its variable is not set" if UNKNOWN_HOST in target.address else target.address

    def show(content: str, message: Message) -> None:
        shown(f"--- would be sent to {target.name} ({address}):\n{content}")

    return replace(target, post=show)
