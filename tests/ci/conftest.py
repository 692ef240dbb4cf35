"""Comparisons of every kind, GitHub with pull requests and artifacts, and zip files of gates."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest

from tbp.web.github import GitHub
from tbp.web.http import WebClock
from tbp.web.secret import Secret

from ..comparison.conftest import comparison, comparison_of, hostile  # noqa: F401
from ..web_servers import TOKEN, FakeGitHub, Got, Reply, serving

BASE_REPOSITORY = {"id": 1, "full_name": "ann/project", "owner": {"login": "ann"}}
FORK = {"id": 2, "full_name": "bob/project", "owner": {"login": "bob"}}
HEAD_SHA, NEWER_SHA = "a" * 40, "b" * 40
BRANCH = "topic/`$(x)`&head=main"


def zipped(compression: int = zipfile.ZIP_DEFLATED, /, **files: str | bytes) -> bytes:
    """A zip file; ``__`` in a name stands for a dot."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


def pull(number: int = 17, *labels: str, sha: str = HEAD_SHA, branch: str = BRANCH, of: Any = FORK) -> dict[str, Any]:
    """An open pull request as GitHub lists it."""
    base = {"sha": "0" * 40, "ref": "main", "repo": BASE_REPOSITORY}
    head = {"sha": sha, "ref": branch, "repo": of}
    return {"number": number, "head": head, "base": base, "labels": [{"name": name} for name in labels]}


@dataclass
class GitHubOfPulls(FakeGitHub):
    """GitHub with pull requests, their labels, and the artifacts of runs."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[tuple[str, bytes]] = field(default_factory=list)  # name, content; of every run
    storage: str = ""
    is_label_gone: bool = False  # since the pull request was listed

    def _of_repository(self, got: Got, path: str, query: dict[str, str]) -> Reply:
        if path == "/pulls":
            # GitHub has a filter for them, which lets more through than one would think: whoever asks must look.
            assert (query["state"], query["head"]) == ("open", f"bob:{BRANCH}")
            return self._listed(self.pulls, query)
        if matched := re.fullmatch(r"/actions/runs/(\d+)/artifacts", path):
            listed = [
                {"id": number, "name": name, "size_in_bytes": len(content), "expired": False}
                for number, (name, content) in enumerate(self.artifacts)
            ]
            return reply(200, {"total_count": len(listed), "artifacts": listed})
        if matched := re.fullmatch(r"/actions/artifacts/(\d+)/zip", path):
            return 302, {"Location": f"{self.storage}/{matched[1]}"}, b""
        if (matched := re.fullmatch(r"/issues/(\d+)/labels/(.+)", path)) and got.method == "DELETE":
            (labelled,) = [each for each in self.pulls if str(each["number"]) == matched[1]]
            if self.is_label_gone:
                return reply(404, {"message": "Label does not exist"})
            labelled["labels"].remove({"name": unquote(matched[2])})
            return reply(200, labelled["labels"])
        return super()._of_repository(got, path, query)

    def stored(self, got: Got) -> Reply:
        """The answer of the server that has the artifacts, and must get no token."""
        assert "authorization" not in got.headers
        return 200, {}, self.artifacts[int(got.path.removeprefix("/"))][1]


def reply(status: int, content: object) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()


@pytest.fixture
def server() -> Iterator[GitHubOfPulls]:
    """A repository with the pull request 17, from a fork, and an issue of each number up to it."""
    fake = GitHubOfPulls(pulls=[pull()], issues=[{"number": number} for number in range(1, 20)])
    with serving(fake.answer) as fake.url, serving(fake.stored) as fake.storage:
        yield fake


@pytest.fixture
def github(server: GitHubOfPulls) -> GitHub:
    return GitHub(server.repository, Secret(TOKEN), server.url, WebClock(lambda seconds: None))
