"""The note on a merge request, written to a server that behaves as GitLab does."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tbp.ci.comment import MARKER
from tbp.comparison.json_form import to_json
from tbp.errors import NotDelivered, UsageError
from tbp.model.comparison import Comparison
from tbp.web.gitlab import GitLab
from tbp.web.http import WebClock
from tbp.web.secret import Secret

from ..command_line import Run
from ..web_servers import Got, Reply, serving
from .conftest import HEAD_SHA

TOKEN = "glpat-that-nobody-may-see"
JOB = {"GITLAB_CI": "true", "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "5", "CI_COMMIT_SHA": HEAD_SHA}


@dataclass
class FakeGitLab:
    """The notes of one merge request, two a page, behind the paths and headers of GitLab's interface."""

    url: str = ""
    notes: list[dict[str, Any]] = field(default_factory=list)
    refusal: int = 0

    def answer(self, got: Got) -> Reply:
        path, _, query = got.path.partition("?")
        if got.headers.get("private-token") != TOKEN or self.refusal:
            return self.refusal or 401, {}, f'{{"message": "not with {TOKEN}"}}'.encode()
        if path == "/api/v4/user":
            return 200, {}, b'{"username": "project_7_bot"}'
        base = "/api/v4/projects/7/merge_requests/5/notes"
        if got.method == "GET" and path == base:
            assert "sort=asc" in query
            page = int(re.findall(r"&page=(\d+)", query)[0])
            more = {"x-next-page": str(page + 1) if len(self.notes) > 2 * page else ""}
            return 200, more, json.dumps(self.notes[2 * page - 2 : 2 * page]).encode()
        if got.method == "POST" and path == base:
            note = {"id": len(self.notes) + 1, "author": {"username": "project_7_bot"}, **got.json}
            self.notes.append(note)
            return 201, {}, json.dumps(note).encode()
        assert (got.method, path.rpartition("/")[0]) == ("PUT", base)
        self.notes[int(path.rpartition("/")[2]) - 1] |= got.json
        return 200, {}, b"{}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeGitLab]:
    """A merge request with three notes of others, one with the marker, and the variables of a job on it."""
    notes = [{"id": n, "author": {"username": "eve"}, "body": f"{MARKER}\nmine"} for n in (1, 2, 3)]
    fake = FakeGitLab(notes=notes)
    with serving(fake.answer) as fake.url:
        address = {"CI_API_V4_URL": f"{fake.url}/api/v4", "CI_PIPELINE_URL": "https://gitlab.test/p/-/pipelines/1"}
        for name, value in (JOB | address | {"GITLAB_TOKEN": TOKEN}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield fake


def left(comparison: Comparison) -> None:
    Path("tbp-gate").mkdir(exist_ok=True)
    Path("tbp-gate/gate.json").write_text(to_json(comparison))


def test_there_is_one_note_that_follows_the_newest_gate(server: FakeGitLab, run: Run, comparison: Comparison):
    left(comparison)
    assert run("ci", "comment") == (0, "!5: noted\n", "")
    assert "### 2 regressions" in server.notes[3]["body"]
    assert "[this run](https://gitlab.test/p/-/pipelines/1)" in server.notes[3]["body"]
    left(replace(comparison, judgements=()))
    run("ci", "comment")
    assert "### Nothing was compared" in server.notes[3]["body"]
    assert [note["body"] for note in server.notes[:3]] == [f"{MARKER}\nmine"] * 3
    assert len(server.notes) == 4


def test_where_only_changes_are_wanted_no_first_note_says_that_all_is_well(
    server: FakeGitLab, run: Run, comparison: Comparison
):
    left(replace(comparison, judgements=()))
    assert run("ci", "comment", "--only-changes")[1] == "!5: nothing changed: no note\n"
    assert len(server.notes) == 3


def test_a_gate_that_left_nothing_has_no_verdict(server: FakeGitLab, run: Run):
    assert run("ci", "comment")[0] == 0
    assert "### The gate has no verdict" in server.notes[3]["body"]


def test_the_files_may_lie_in_another_folder(server: FakeGitLab, run: Run, comparison: Comparison):
    left(comparison)
    Path("tbp-gate").rename("elsewhere")
    assert run("ci", "comment", "--files", "elsewhere")[0] == 0
    assert "### 2 regressions" in server.notes[3]["body"]


@pytest.mark.parametrize(("status", "step"), [(401, "make a new one"), (403, "scope api"), (404, "CI_PROJECT_ID")])
def test_a_refusal_says_what_to_do_and_shows_no_token(server: FakeGitLab, run: Run, status: int, step: str):
    server.refusal = status
    code, out, error = run("ci", "comment")
    assert (code, out) == (4, "")
    assert step in error
    assert TOKEN not in error


@pytest.mark.parametrize(
    ("variable", "value"),
    [("CI_PROJECT_ID", "../8"), ("GITLAB_TOKEN", ""), ("CI_API_V4_URL", "http://gitlab.test/api/v4"),
     ("CI_MERGE_REQUEST_IID", "")],
)  # fmt: skip
def test_a_variable_that_cannot_be_meant_is_named(
    server: FakeGitLab, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
):
    monkeypatch.setenv(variable, value)
    code, _, error = run("ci", "comment")
    assert code == 2
    assert variable in error or "merge_request_event" in error
    assert server.notes[3:] == []


def test_a_server_that_is_no_gitlab_is_told():
    with serving(lambda got: (200, {}, b"<html>")) as url:
        gitlab = GitLab("7", Secret(TOKEN), url, WebClock(lambda seconds: None))
        with pytest.raises(NotDelivered, match="check CI_API_V4_URL"):
            gitlab.get("/x")


def test_a_job_of_gitlab_needs_its_variables():
    with pytest.raises(UsageError, match="CI_PROJECT_ID"):
        GitLab.from_environment({})
