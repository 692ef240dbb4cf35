"""The change of a job, by its variables and GitHub's event."""

import json
from pathlib import Path
from typing import Any

import pytest

from tbp.ci.change import JobChange, change_of_job
from tbp.errors import UnreadableInput, UsageError

A, B = "a" * 40, "b" * 40
PULL = {"action": "opened", "pull_request": {"number": 17, "base": {"ref": "main", "sha": A}, "head": {"sha": B}}}


def job(folder: Path, kind: str, event: Any) -> dict[str, str]:
    path = folder / "event.json"
    path.write_text(event if isinstance(event, str) else json.dumps(event))
    return {"GITHUB_EVENT_NAME": kind, "GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": "c" * 40}


@pytest.mark.parametrize(
    ("kind", "event", "change"),
    [
        ("pull_request", PULL, JobChange(A, "main", "#17", "c" * 40)),
        ("merge_group", {"merge_group": {"base_sha": A, "base_ref": "refs/heads/main"}}, JobChange(A, "main")),
        ("push", {"before": A, "after": B, "ref": "refs/heads/next"}, JobChange(A, "next")),
    ],
)
def test_an_event_of_github_has_a_base(tmp_path: Path, kind: str, event: Any, change: JobChange):
    assert change_of_job(job(tmp_path, kind, event)) == change


@pytest.mark.parametrize(("kind", "event"), [("schedule", {}), ("push", {"before": "0" * 40, "ref": "refs/heads/new"})])
def test_an_event_that_compares_nothing_is_named(tmp_path: Path, kind: str, event: Any):
    with pytest.raises(UsageError, match=f"the event {kind} compares nothing.*base and head"):
        change_of_job(job(tmp_path, kind, event))


@pytest.mark.parametrize("event", ["", "[", '{"pull_request": {"number": "x"}}', "[" * 100_000])
def test_an_event_that_is_none_is_unreadable(tmp_path: Path, event: str):
    with pytest.raises(UnreadableInput, match="cannot read GitHub's event"):
        change_of_job(job(tmp_path, "pull_request", event))


def test_a_merge_request_has_a_base():
    variables = {"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "5", "CI_MERGE_REQUEST_DIFF_BASE_SHA": A}
    variables |= {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": ""}
    assert change_of_job(variables) == JobChange(A, "main", "!5")
    assert change_of_job(variables | {"CI_MERGE_REQUEST_TARGET_BRANCH_SHA": B}).base == B


@pytest.mark.parametrize(("variables", "step"), [({"GITLAB_CI": "true"}, "merge_request_event"), ({}, "--base")])
def test_a_job_without_a_change_says_what_to_do(variables: dict[str, str], step: str):
    with pytest.raises(UsageError, match=step):
        change_of_job(variables)
