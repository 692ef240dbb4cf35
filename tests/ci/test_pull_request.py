"""The comment on a pull request, written to a server that behaves as GitHub does."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.ci.comment import MARKER
from tbp.ci.pull_request import Wishes, WorkflowRun, commented, finished_run
from tbp.comparison.json_form import to_json
from tbp.errors import NotDelivered, UnreadableInput, UsageError
from tbp.model.comparison import Comparison
from tbp.web.github import GitHub

from .conftest import BASE_REPOSITORY, BRANCH, FORK, HEAD_SHA, NEWER_SHA, GitHubOfPulls, pull, zipped

SERVER = "https://github.test"
PAYLOAD = {
    "id": 99, "event": "pull_request", "head_sha": HEAD_SHA, "head_branch": BRANCH, "conclusion": "failure",
    "head_repository": FORK, "pull_requests": [], "html_url": "https://evil.test",
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> WorkflowRun:
    """A run of the pull request 17's head that ended with a failure: the gate found a regression."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"action": "completed", "workflow_run": PAYLOAD}))
    return finished_run({"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_EVENT_PATH": str(path)})


def comment(github: GitHub, run: WorkflowRun, wishes: Wishes | None = None) -> str:
    return commented(github, run, wishes or Wishes(), SERVER)


def bodies(server: GitHubOfPulls) -> list[str]:
    return [each["body"] for each in server.comments]


def gates(server: GitHubOfPulls, comparison: Comparison) -> None:
    server.artifacts.append(("tbp-gate", zipped(gate__json=to_json(comparison), gate__md="# forged")))


def test_there_is_one_comment_that_follows_the_newest_gate(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, comparison: Comparison
):
    gates(server, comparison)
    assert comment(github, run).startswith("#17: commented, https://github.test/ann/project/issues/17#1")
    (first,) = bodies(server)
    assert first.splitlines()[:2] == [MARKER, f"<!-- commit {HEAD_SHA} -->"]
    assert "### 2 regressions" in first
    assert f"[this run]({SERVER}/ann/project/actions/runs/99)" in first
    assert "forged" not in first
    server.pulls = [pull(sha=NEWER_SHA)]
    gates(server, replace(comparison, judgements=()))
    comment(github, replace_run(run, head_sha=NEWER_SHA))
    (second,) = bodies(server)
    assert "### Nothing was compared" in second
    assert HEAD_SHA not in second


def replace_run(run: WorkflowRun, **changes: object) -> WorkflowRun:
    return replace(run, **changes)


def test_a_hostile_gate_says_nothing_but_what_tbp_escapes(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, hostile: Comparison
):
    gates(server, hostile)
    comment(github, run)
    (body,) = bodies(server)
    assert "@team" not in body
    assert "![x](" not in body
    assert body.count("<details>") == body.count("</details>")


def test_a_comment_with_the_marker_that_somebody_else_wrote_is_left_alone(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, comparison: Comparison
):
    theirs = {"id": 1, "of": "/issues/17", "body": f"{MARKER}\nmine", "user": {"login": "eve", "type": "User"}}
    server.comments.append(theirs)
    gates(server, comparison)
    comment(github, run)
    assert [each["user"]["login"] for each in server.comments] == ["eve", "github-actions[bot]"]
    assert theirs["body"].endswith("mine")


@pytest.mark.parametrize(
    ("pulls", "sentence"),
    [
        ([], "0 open pull requests"),
        ([pull(branch="other")], "0 open pull requests"),
        ([pull(of=BASE_REPOSITORY)], "0 open pull requests"),
        ([pull(17), pull(18)], "2 open pull requests"),
        ([pull(sha=NEWER_SHA)], "#17: it has newer commits"),
    ],
)
def test_a_pull_request_that_is_not_surely_the_one_gets_no_comment(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, comparison: Comparison, pulls: list[object], sentence: str
):
    server.pulls[:] = pulls
    gates(server, comparison)
    assert comment(github, run).startswith(sentence)
    assert server.written == []


def test_a_run_of_something_else_is_no_reason_to_comment(server: GitHubOfPulls, github: GitHub, run: WorkflowRun):
    assert "started by push" in comment(github, replace_run(run, event="push"))
    assert server.requests == []


@pytest.mark.parametrize(
    ("artifacts", "reason"),
    [
        ([], "it ended with failure before it left any"),
        ([("other", b"")], "it ended with failure"),
        ([("tbp-gate", b"x" * 3_000_000)], "cannot be read"),
        ([("tbp-gate", zipped(gate__json='{"format": 1, "<b>": 0}'))], "unknown field"),
    ],
)
def test_a_gate_that_left_nothing_readable_has_no_verdict(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, artifacts: list[tuple[str, bytes]], reason: str
):
    server.artifacts = artifacts
    comment(github, run)
    (body,) = bodies(server)
    assert "### The gate has no verdict" in body
    assert reason in body.replace("&#95;", "_").replace("&#58;", ":")
    assert "<b>" not in body


def test_a_push_that_is_not_measured_makes_the_verdict_outdated_once(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, comparison: Comparison
):
    skipped = replace_run(run, conclusion="skipped")
    assert comment(github, skipped) == "#17: nothing was measured: no comment"
    gates(server, comparison)
    comment(github, run)
    (measured,) = bodies(server)
    server.pulls, server.artifacts = [pull(sha=NEWER_SHA)], []
    for newest in (NEWER_SHA, NEWER_SHA, "c" * 40):
        server.pulls = [pull(sha=newest)]
        comment(github, replace_run(skipped, head_sha=newest))
    (body,) = bodies(server)
    assert body.count("> **Outdated.**") == 1
    assert "cccccccc has not been measured" in body
    assert (
        body.replace("> **Outdated.** This is of an earlier commit; cccccccc has not been measured.\n\n", "")
        == measured
    )


def test_the_label_is_taken_off_when_its_gate_has_ended(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, comparison: Comparison
):
    server.pulls = [pull(17, "bug", "tbp-gate")]
    comment(github, replace_run(run, conclusion="skipped"))  # started by the other label
    assert [label["name"] for label in server.pulls[0]["labels"]] == ["bug", "tbp-gate"]
    gates(server, comparison)
    comment(github, run)
    assert [label["name"] for label in server.pulls[0]["labels"]] == ["bug"]
    server.pulls, server.is_label_gone = [pull(17, "tbp-gate")], True
    assert comment(github, run).startswith("#17: commented")


def test_where_only_changes_are_wanted_no_first_comment_says_that_all_is_well(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, comparison: Comparison
):
    wishes = Wishes(only_changes=True)
    calm = replace(comparison, judgements=())
    gates(server, calm)
    assert comment(github, run, wishes) == "#17: nothing changed: no comment"
    gates(server, comparison)
    comment(github, run, wishes)
    gates(server, calm)
    comment(github, run, wishes)
    (body,) = bodies(server)
    assert "Nothing was compared" in body


def test_a_comment_has_room_for_the_largest_verdict(
    server: GitHubOfPulls, github: GitHub, run: WorkflowRun, hostile: Comparison
):
    gates(server, replace(hostile, judgements=hostile.judgements * 30))
    comment(github, run)
    server.pulls = [pull(sha=NEWER_SHA)]
    server.artifacts = []
    comment(github, replace_run(run, head_sha=NEWER_SHA, conclusion="skipped"))
    (body,) = bodies(server)
    assert 60_000 < len(body) <= 65_536
    assert "**Outdated.**" in body


def test_an_answer_that_is_none_of_github_is_told(server: GitHubOfPulls, github: GitHub, run: WorkflowRun):
    server.pulls = [{"number": "seventeen"}]
    with pytest.raises(NotDelivered, match="check GITHUB_API_URL"):
        comment(github, run)


def test_another_event_than_the_end_of_a_run_is_a_wrong_call(tmp_path: Path):
    with pytest.raises(UsageError, match="the event is pull_request_target"):
        finished_run({"GITHUB_EVENT_NAME": "pull_request_target"})
    with pytest.raises(UsageError, match="GITHUB_EVENT_PATH is not set"):
        finished_run({"GITHUB_EVENT_NAME": "workflow_run"})
    (tmp_path / "event").write_text('{"workflow_run": {"id": "x"}}')
    with pytest.raises(UnreadableInput, match="cannot read GitHub's event"):
        finished_run({"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_EVENT_PATH": str(tmp_path / "event")})
