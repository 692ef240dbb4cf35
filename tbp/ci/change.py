"""The change that a job judges: a pull request, an entry of a merge queue or a push, or a merge request.

Takes the job's variables and GitHub's event, gives a ``JobChange``. All of it is text that strangers may have chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from tbp.errors import UnreadableInput, UsageError
from tbp.system.bounded import read_plain

MOST_EVENT_BYTES = 30_000_000
"""GitHub ends the payload of an event at 25 MB."""


Payload = TypeVar("Payload")


class JobChange(Struct, frozen=True):
    """Commits by hash, and names for the reader."""

    base: str  # that it is to be merged into, or came before it
    base_name: str = ""  # "main"
    name: str = ""  # "#17"
    merge: str = ""  # the merge of both, where the CI system made one: its first parent is the newer base


class _Branch(Struct):
    ref: str = ""
    sha: str = ""


class _PullRequest(Struct):
    number: int
    base: _Branch


class _MergeGroup(Struct):
    base_sha: str
    base_ref: str = ""


class _JobEvent(Struct):
    pull_request: _PullRequest | None = None
    merge_group: _MergeGroup | None = None
    before: str = ""
    ref: str = ""


def change_of_job(variables: Mapping[str, str]) -> JobChange:
    """The change that the job with these variables is about.

    Raises:
        UsageError: it is about none, or the variables are those of no job.
        UnreadableInput: the event cannot be read.
    """
    if variables.get("GITHUB_EVENT_PATH"):
        return github_change(event(variables, _JobEvent), variables)
    if variables.get("GITLAB_CI"):
        return gitlab_change(variables)
    raise UsageError("this is no job of GitHub or GitLab: name the commits with --base and --head, or use `tbp gate`")


def event(variables: Mapping[str, str], payload: type[Payload]) -> Payload:
    """The event that started a job of GitHub, as far as ``payload`` names its fields.

    Raises:
        UsageError: the job has no event.
        UnreadableInput: it cannot be read, or lacks a field.
    """
    path = variables.get("GITHUB_EVENT_PATH", "")
    if not path:
        raise UsageError("GITHUB_EVENT_PATH is not set: run this in a job of GitHub")
    try:
        return msgspec.json.decode(read_plain(Path(path), MOST_EVENT_BYTES), type=payload)
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        raise UnreadableInput(f"cannot read GitHub's event {path}: {error}; run this in a job of GitHub") from None


def github_change(event: _JobEvent, variables: Mapping[str, str]) -> JobChange:
    """The change of a job of GitHub. Raises UsageError where the event has none."""
    kind = variables.get("GITHUB_EVENT_NAME", "")
    if event.pull_request is not None:
        base = event.pull_request.base
        return JobChange(base.sha, base.ref, f"#{event.pull_request.number}", variables.get("GITHUB_SHA", ""))
    if event.merge_group is not None:
        return JobChange(event.merge_group.base_sha, event.merge_group.base_ref.removeprefix("refs/heads/"))
    if kind == "push" and event.before.strip("0"):
        return JobChange(event.before, event.ref.removeprefix("refs/heads/"))
    raise UsageError(f"the event {kind or 'of this job'} compares nothing: name the commits (inputs base and head)")


def gitlab_change(variables: Mapping[str, str]) -> JobChange:
    """The change of a job of GitLab. Raises UsageError where the pipeline is none of a merge request."""
    number = variables.get("CI_MERGE_REQUEST_IID", "")
    # The target's hash is only there in pipelines of merged results and merge trains; else the base is where they part.
    base = variables.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA") or variables.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", "")
    if not number or not base:
        raise UsageError(
            "this pipeline is none of a merge request: run the job on merge_request_event, or name --base and --head"
        )
    return JobChange(base, variables.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""), f"!{number}")
