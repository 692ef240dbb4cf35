"""Issues of a tracker, as far as news of events needs them: GitHub's, and the same of GitLab's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct

from tbp.errors import NotDelivered
from tbp.nightly.told import Fate
from tbp.web.github import GitHub
from tbp.web.gitlab import GitLab

LABEL = "tbp-regression"
"""The label of every issue that tbp opens; it is how they are listed, and outsiders cannot set one."""


_REASONS = {Fate.ACCEPTED: "not_planned", Fate.RECOVERED: "completed", Fate.DENIED: "not_planned"}


class TrackedIssue(Struct, frozen=True):
    """An issue as it is now."""

    number: int
    title: str
    body: str
    is_open: bool
    is_own: bool  # False: somebody else wrote it


class Tracker(Protocol):
    """The issues of one project."""

    @property
    def name(self) -> str:
        """The target in the note."""

    def listed(self) -> Iterator[TrackedIssue]:
        """All issues with LABEL, open or closed."""

    def issue(self, number: int) -> TrackedIssue | None:
        """One issue; None where it was deleted."""

    def open(self, title: str, body: str) -> int:
        """Opens an issue with LABEL; returns its number."""

    def edit(self, number: int, title: str, body: str, fate: Fate) -> None:
        """Writes title and body anew, and opens or closes the issue: at once, so that no half is done."""

    def comment(self, number: int, text: str) -> None:
        """Writes a comment."""


class GitHubIssues(Struct, frozen=True):
    """The issues of a repository on GitHub."""

    github: GitHub

    @property
    def name(self) -> str:
        return f"github-issue:{self.github.repository}"

    def listed(self) -> Iterator[TrackedIssue]:
        for content in self.github.pages("/issues", labels=LABEL, state="all", direction="asc"):
            if "pull_request" not in content:
                yield self._read(content)

    def issue(self, number: int) -> TrackedIssue | None:
        try:
            content = self.github.get(f"/issues/{number}")
        except NotDelivered as error:
            if error.status in (404, 410):
                return None
            raise
        return self._read(content) if isinstance(content, dict) else None

    def open(self, title: str, body: str) -> int:
        content = self.github.post("/issues", {"title": title, "body": body, "labels": [LABEL]})
        return _number(content, "number")

    def edit(self, number: int, title: str, body: str, fate: Fate) -> None:
        state = {"state": "open"} if fate is Fate.STANDS else {"state": "closed", "state_reason": _REASONS[fate]}
        self.github.patch(f"/issues/{number}", {"title": title, "body": body, **state})

    def comment(self, number: int, text: str) -> None:
        self.github.post(f"/issues/{number}/comments", {"body": text})

    def _read(self, content: Mapping[str, object]) -> TrackedIssue:
        is_open, is_own = content.get("state") == "open", self.github.is_own(content.get("user"))
        return TrackedIssue(
            _number(content, "number"), _text(content, "title"), _text(content, "body"), is_open, is_own
        )


class GitLabIssues(Struct, frozen=True):
    """The issues of a project on GitLab, which are numbered by ``iid``."""

    gitlab: GitLab

    @property
    def name(self) -> str:
        return f"gitlab-issue:{self.gitlab.project}"

    def listed(self) -> Iterator[TrackedIssue]:
        for content in self.gitlab.pages("/issues", labels=LABEL, state="all", scope="all"):
            yield self._read(content)

    def issue(self, number: int) -> TrackedIssue | None:
        try:
            content = self.gitlab.get(f"/issues/{number}")
        except NotDelivered as error:
            if error.status == 404:
                return None
            raise
        return self._read(content) if isinstance(content, dict) else None

    def open(self, title: str, body: str) -> int:
        content = self.gitlab.post("/issues", {"title": title, "description": body, "labels": LABEL})
        return _number(content, "iid")

    def edit(self, number: int, title: str, body: str, fate: Fate) -> None:
        event = "reopen" if fate is Fate.STANDS else "close"
        self.gitlab.put(f"/issues/{number}", {"title": title, "description": body, "state_event": event})

    def comment(self, number: int, text: str) -> None:
        self.gitlab.post(f"/issues/{number}/notes", {"body": text})

    def _read(self, content: Mapping[str, object]) -> TrackedIssue:
        is_open, is_own = content.get("state") == "opened", self.gitlab.is_own(content.get("author"))
        title, body = _text(content, "title"), _text(content, "description")
        return TrackedIssue(_number(content, "iid"), title, body, is_open, is_own)


def _number(content: object, key: str) -> int:
    number = content.get(key) if isinstance(content, dict) else None
    if not isinstance(number, int):
        raise NotDelivered("the tracker answers with no issue: check its address")
    return number


def _text(content: Mapping[str, object], key: str) -> str:
    value = content.get(key)
    return value if isinstance(value, str) else ""
