"""Issues of a tracker, as far as news of events needs them: GitHub's or GitLab's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from tbp.errors import NotDelivered
from tbp.nightly.told import Fate
from tbp.web.code_host import CodeHost

LABEL = "tbp-regression"
"""The label of every issue that tbp opens; it is how they are listed, and outsiders cannot set one."""


class TrackedIssue(Struct, frozen=True):
    """An issue as it is now."""

    number: int
    title: str
    body: str
    is_open: bool
    is_own: bool  # False: somebody else wrote it


class IssueForm(Struct, frozen=True):
    """The words of a server for what issues have."""

    name: str  # in the target's
    query: Mapping[str, str]  # for all issues with LABEL, open or closed, the oldest first
    number: str
    body: str
    open: str
    comments: str
    labels: list[str] | str  # of a new one
    states: Mapping[Fate, Mapping[str, str]]


_REASONS = {Fate.ACCEPTED: "not_planned", Fate.RECOVERED: "completed", Fate.DENIED: "not_planned"}
GITHUB = IssueForm(
    name="github-issue",
    query={"labels": LABEL, "state": "all", "direction": "asc"},
    number="number",
    body="body",
    open="open",
    comments="comments",
    labels=[LABEL],
    states={fate: {"state": "closed", "state_reason": reason} for fate, reason in _REASONS.items()}
    | {Fate.STANDS: {"state": "open"}},
)
GITLAB = IssueForm(
    name="gitlab-issue",
    query={"labels": LABEL, "state": "all", "scope": "all"},
    number="iid",
    body="description",
    open="opened",
    comments="notes",
    labels=LABEL,
    states={fate: {"state_event": "reopen" if fate is Fate.STANDS else "close"} for fate in Fate},
)


class Tracker(Struct, frozen=True):
    """The issues of a project on GitHub or GitLab."""

    host: CodeHost
    form: IssueForm

    @property
    def name(self) -> str:
        """The target in the note."""
        return f"{self.form.name}:{self.host.project}"

    def listed(self) -> Iterator[TrackedIssue]:
        """All issues with LABEL, open or closed."""
        for content in self.host.pages("/issues", **self.form.query):
            if "pull_request" not in content:  # GitHub lists them too
                yield self._read(content)

    def issue(self, number: int) -> TrackedIssue | None:
        """One issue; None where it was deleted."""
        try:
            content = self.host.get(f"/issues/{number}")
        except NotDelivered as error:
            if error.status in (404, 410):
                return None
            raise
        return self._read(content) if isinstance(content, dict) else None

    def open(self, title: str, body: str) -> int:
        """Opens an issue with LABEL; returns its number."""
        content = self.host.post("/issues", {"title": title, self.form.body: body, "labels": self.form.labels})
        return self._number(content)

    def edit(self, number: int, title: str, body: str, fate: Fate) -> None:
        """Writes title and body anew, and opens or closes the issue: at once, so that no half is done."""
        self.host.change(f"/issues/{number}", {"title": title, self.form.body: body, **self.form.states[fate]})

    def comment(self, number: int, text: str) -> None:
        self.host.post(f"/issues/{number}/{self.form.comments}", {"body": text})

    def _read(self, content: Mapping[str, object]) -> TrackedIssue:
        title, body = _text(content, "title"), _text(content, self.form.body)
        is_open = content.get("state") == self.form.open
        return TrackedIssue(self._number(content), title, body, is_open, self.host.wrote(content))

    def _number(self, content: object) -> int:
        number = content.get(self.form.number) if isinstance(content, dict) else None
        if not isinstance(number, int):
            raise NotDelivered("the tracker answers with no issue: check its address")
        return number


def _text(content: Mapping[str, object], key: str) -> str:
    value = content.get(key)
    return value if isinstance(value, str) else ""
