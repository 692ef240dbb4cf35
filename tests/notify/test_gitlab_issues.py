"""The life of an issue on a server that behaves as GitLab's interface does."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tbp.nightly.told_file import NAME
from tbp.notify.tracker import LABEL

from ..command_line import Run
from ..web_servers import Got, Reply, serving
from .nights import new_nights
from .test_hooks import SLOW

TOKEN = "glpat-that-nobody-may-see"
USER = {"username": "project_7_bot"}


@dataclass
class FakeGitLab:
    """The issues of project 7."""

    url: str = ""
    issues: list[dict[str, Any]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)

    def answer(self, got: Got) -> Reply:
        path = got.path.partition("?")[0].removeprefix("/api/v4")
        if got.headers.get("private-token") != TOKEN:
            return 401, {}, b"{}"
        if path == "/user":
            return _json(USER)
        if path == "/projects/7/issues" and got.method == "GET":
            return _json([issue for issue in self.issues if LABEL in issue["labels"]])
        if path == "/projects/7/issues":
            content = got.json
            number = len(self.issues) + 1
            self.issues.append(
                {**content, "labels": [content["labels"]], "iid": number, "state": "opened", "author": USER}
            )
            return _json(self.issues[-1])
        if matched := re.fullmatch(r"/projects/7/issues/(\d+)(/notes)?", path):
            issue = self.issues[int(matched[1]) - 1]
            if matched[2]:
                self.notes.append((issue["iid"], got.json["body"]))
            elif got.method == "PUT":
                content = got.json
                issue["state"] = {"close": "closed", "reopen": "opened"}[content.pop("state_event")]
                issue.update(content)
            return _json(issue)
        return 404, {}, b"{}"


def _json(content: object) -> Reply:
    return 200, {}, json.dumps(content).encode()


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitLab]:
    fake = FakeGitLab()
    with serving(fake.answer) as fake.url:
        monkeypatch.setenv("CI_API_V4_URL", f"{fake.url}/api/v4")
        monkeypatch.setenv("CI_PROJECT_ID", "7")
        monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
        yield fake


def test_an_issue_is_opened_known_again_and_closed(
    tmp_path: Path, gitlab: FakeGitLab, run: Run, monkeypatch: pytest.MonkeyPatch
):
    nights = new_nights(tmp_path / "project")
    monkeypatch.chdir(nights.folder)

    def notify() -> list[str]:
        code, out, err = run("notify", "--gitlab-issue", "--send")
        assert (code, TOKEN in out + err) == (0, False)
        return [issue["state"] for issue in gitlab.issues]

    assert notify() == []
    nights.nights(9, SLOW)
    assert notify() == ["opened"]
    (nights.results / NAME).unlink()
    assert notify() == ["opened"]
    nights.nights(9)
    assert notify() == ["closed"]
    assert [number for number, _ in gitlab.notes] == [1]
