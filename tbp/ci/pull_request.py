"""The verdict of a gate on its pull request, from a job of ``workflow_run`` that runs nothing of the pull request.

Takes the event of that job and GitHub, leaves one comment. The pull request is looked up by the branch and commit that
GitHub names for the run: never by anything that the run itself left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from tbp.ci.artifact import MOST_ARTIFACT_BYTES, comparison_of
from tbp.ci.change import event
from tbp.ci.comment import MARKER, GateRun, commit_of, is_news, no_verdict, outdated, verdict
from tbp.errors import NotDelivered, UnreadableInput, UsageError
from tbp.model.comparison import Comparison
from tbp.web.github import GitHub
from tbp.web.sticky import own_comment, upsert_comment

# Conclusions of a run that was not meant to end with a verdict.
_UNMEASURED = ("skipped", "cancelled", "action_required", "neutral", "stale")


class _Owner(Struct):
    login: str


class _Repository(Struct):
    id: int
    full_name: str
    owner: _Owner


class WorkflowRun(Struct):
    """A run of the gate's workflow, as GitHub describes it to whoever waits for its end."""

    id: int
    event: str
    head_sha: str
    head_branch: str | None = None
    conclusion: str | None = None
    head_repository: _Repository | None = None


class _CompletedEvent(Struct):
    workflow_run: WorkflowRun


class _Side(Struct):
    sha: str
    ref: str
    repo: _Repository | None = None


class _Label(Struct):
    name: str


class Pull(Struct):
    """A pull request."""

    number: int
    head: _Side
    base: _Side
    labels: tuple[_Label, ...] = ()


class _Artifact(Struct):
    id: int
    name: str
    size_in_bytes: int
    expired: bool = False


class _Artifacts(Struct):
    artifacts: list[_Artifact] = field(default_factory=list)


class Wishes(Struct, frozen=True):
    """The names that the workflows have agreed on, and how much is to be told."""

    artifact: str = "tbp-gate"
    label: str = "tbp-gate"
    only_changes: bool = False


def finished_run(variables: Mapping[str, str]) -> WorkflowRun:
    """The run whose end started the job with these variables.

    Raises:
        UsageError: the job was started by something else.
        UnreadableInput: the event cannot be read.
    """
    kind = variables.get("GITHUB_EVENT_NAME", "")
    if kind != "workflow_run":
        raise UsageError(f"this comments after a gate, on workflow_run, and the event is {kind or 'none'}")
    return event(variables, _CompletedEvent).workflow_run


def commented(github: GitHub, run: WorkflowRun, wishes: Wishes, server: str) -> str:
    """Writes the comment that ``run`` gives reason to, and returns a sentence on it; ``server`` is GitHub's address.

    Raises NotDelivered where GitHub refuses.
    """
    if run.event != "pull_request":
        return f"the run was started by {run.event}: no pull request to comment on"
    pulls = _pulls(github, run)
    if len(pulls) != 1:
        return f"{len(pulls)} open pull requests have the branch of this run: no comment"
    pull = pulls[0]
    done = _commented(github, run, pull, wishes, server)
    if run.conclusion != "skipped" and wishes.label in [label.name for label in pull.labels]:
        _take_off(github, pull.number, wishes.label)
    return f"#{pull.number}: {done}"


def _take_off(github: GitHub, number: int, label: str) -> None:
    try:
        github.delete(f"/issues/{number}/labels/{quote(label, safe='')}")
    except NotDelivered as error:
        if error.status != 404:  # else somebody was faster
            raise


def _commented(github: GitHub, run: WorkflowRun, pull: Pull, wishes: Wishes, server: str) -> str:
    if pull.head.sha != run.head_sha:
        return "it has newer commits than this run: no comment"
    path = f"/issues/{pull.number}/comments"
    gate = GateRun(run.head_sha, f"{server}/{github.project}/actions/runs/{run.id}")
    try:
        comparison = _comparison(github, run, wishes.artifact)
        body = verdict(comparison, gate) if comparison else ""
    except UnreadableInput as error:
        comparison, body = None, no_verdict(f"what it left cannot be read: {error}", gate)
    if not body and run.conclusion in _UNMEASURED:
        return _marked_outdated(github, path, run.head_sha)
    if comparison and wishes.only_changes and not is_news(comparison) and own_comment(github, path, MARKER) is None:
        return "nothing changed: no comment"
    body = body or no_verdict(f"it ended with {run.conclusion or 'nothing'} before it left any", gate)
    return f"commented, {upsert_comment(github, path, MARKER, body)}"


def _pulls(github: GitHub, run: WorkflowRun) -> list[Pull]:
    """The open pull requests of this repository from the run's branch; the event names none that comes from a fork."""
    if run.head_repository is None or not run.head_branch:
        return []  # the fork was deleted
    head = f"{run.head_repository.owner.login}:{run.head_branch}"
    listed = [_converted(item, Pull) for item in github.pages("/pulls", state="open", head=head)]
    return [
        pull
        for pull in listed
        if pull.head.repo is not None
        and pull.head.repo.id == run.head_repository.id
        and pull.head.ref == run.head_branch
        and pull.base.repo is not None
        and pull.base.repo.full_name.lower() == github.project.lower()
    ]


def _comparison(github: GitHub, run: WorkflowRun, name: str) -> Comparison | None:
    """The comparison that the run left; None without an artifact. Raises UnreadableInput for what tbp never wrote."""
    answer = github.get(f"/actions/runs/{run.id}/artifacts", name=name, per_page=100)
    artifacts = [each for each in _converted(answer, _Artifacts).artifacts if each.name == name and not each.expired]
    if not artifacts:
        return None
    newest = max(artifacts, key=lambda each: each.id)
    if newest.size_in_bytes > MOST_ARTIFACT_BYTES:
        raise UnreadableInput("the artifact is too large")
    return comparison_of(github.download(f"/actions/artifacts/{newest.id}/zip", MOST_ARTIFACT_BYTES))


def _marked_outdated(github: GitHub, path: str, newest: str) -> str:
    """Marks the comment where it is of another commit."""
    existing = own_comment(github, path, MARKER)
    body = str(existing["body"]).partition("\n")[2] if existing else ""
    if not body or commit_of(body) == newest:
        return "nothing was measured: no comment"
    return f"marked as outdated, {upsert_comment(github, path, MARKER, outdated(body, newest))}"


_Answer = TypeVar("_Answer", bound=Struct)


def _converted(answer: object, kind: type[_Answer]) -> _Answer:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise NotDelivered(f"GitHub answers otherwise than it should: {error}; check GITHUB_API_URL") from None
