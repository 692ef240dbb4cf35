"""Real HTTP servers on this machine: one that keeps what it gets, and one that behaves as GitHub's interface does."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Got:
    """A request as it came."""

    method: str
    path: str  # with its query
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Reply = tuple[int, dict[str, str], bytes]
Answering = Callable[[Got], Reply]


@dataclass
class Receiver:
    """A server that keeps every request, and answers with the next of ``replies``, then always with ``usual``."""

    url: str = ""
    requests: list[Got] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    usual: Reply = (200, {}, b"ok")

    def answer(self, got: Got) -> Reply:
        self.requests.append(got)
        return self.replies.pop(0) if self.replies else self.usual


@contextmanager
def serving(answer: Answering) -> Iterator[str]:
    """The address of a server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, content = answer(Got(self.command, self.path, headers, body))
            if not status:  # the connection is cut: nobody learns whether it was taken
                return
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815 - as http.server has it

        def log_message(self, *arguments: object) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(receiver.answer) as receiver.url:
        yield receiver


TOKEN = "ghs_a-token-that-nobody-may-see"
BOT = {"login": "github-actions[bot]", "type": "Bot"}


@dataclass
class FakeGitHub:
    """The issues and comments of one repository, behind the paths, statuses and pages of GitHub's interface."""

    url: str = ""
    repository: str = "ann/project"
    user: dict[str, str] = field(default_factory=lambda: dict(BOT))
    may_ask_user: bool = False  # a job's token may not
    has_graphql: bool = True
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Got] = field(default_factory=list)
    replies: list[Reply | None] = field(default_factory=list)  # in place of the next answers; None: as usual
    per_page: int = 100
    before: Callable[[Got], None] = lambda got: None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def written(self) -> list[Got]:
        return [got for got in self.requests if got.method != "GET"]

    def answer(self, got: Got) -> Reply:
        if got.path == "/graphql":  # which answers whose the token is, to a job's as well
            is_asked = got.json == {"query": "{viewer{login}}"} and self.has_graphql
            return _json(200, {"data": {"viewer": {"login": self.user["login"]}}}) if is_asked else _json(403, {})
        self.before(got)
        with self._lock:
            self.requests.append(got)
            reply = self.replies.pop(0) if self.replies else None
            return reply or self._answer(got)

    def _answer(self, got: Got) -> Reply:
        if got.headers.get("authorization") != f"Bearer {TOKEN}":
            return _json(401, {"message": "Bad credentials"})
        parts = urlsplit(got.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/user":
            if self.may_ask_user:
                return _json(200, self.user)
            return _json(403, {"message": "Resource not accessible by integration"})
        base = f"/repos/{self.repository}"
        if not parts.path.startswith(f"{base}/"):
            return _json(404, {"message": "Not Found"})
        return self._of_repository(got, parts.path.removeprefix(base), query)

    def _of_repository(self, got: Got, path: str, query: dict[str, str]) -> Reply:
        if path == "/issues":
            return self._listed(self._chosen(query), query) if got.method == "GET" else self._opened(got.json)
        if matched := re.fullmatch(r"/issues/(\d+)", path):
            return self._changed(self.issues, "number", int(matched[1]), got)
        if matched := re.fullmatch(r"/(issues|commits)/(\w+)/comments", path):
            of = path.removesuffix("/comments")
            if got.method == "GET":
                return self._listed([each for each in self.comments if each["of"] == of], query)
            if matched[1] == "issues" and not any(str(each["number"]) == matched[2] for each in self.issues):
                return _json(404, {"message": "Not Found"})
            return self._commented(of, got.json)
        if matched := re.fullmatch(r"(?:/issues)?/comments/(\d+)", path):
            return self._changed(self.comments, "id", int(matched[1]), got)
        return _json(404, {"message": "Not Found"})

    def _chosen(self, query: dict[str, str]) -> list[dict[str, Any]]:
        state, labels = query.get("state", "open"), set(filter(None, query.get("labels", "").split(",")))
        chosen = [each for each in self.issues if state in ("all", each["state"])]
        chosen = [each for each in chosen if labels <= {label["name"] for label in each["labels"]}]
        return sorted(chosen, key=lambda each: each["number"], reverse=query.get("direction", "desc") == "desc")

    def _listed(self, items: list[dict[str, Any]], query: dict[str, str]) -> Reply:
        size, page = min(self.per_page, int(query.get("per_page", 30))), int(query.get("page", 1))
        shown = items[(page - 1) * size : page * size]
        link = {"Link": f'<{self.url}/next>; rel="next"'} if page * size < len(items) else {}
        return _json(200, shown, link)

    def _opened(self, content: dict[str, Any]) -> Reply:
        if reason := self._invalid(content, is_new=True):
            return _json(422, {"message": "Validation Failed", "errors": [reason]})
        number = len(self.issues) + 1
        issue = {
            "number": number, "title": content["title"], "body": content.get("body"), "state": "open",
            "state_reason": None, "labels": [{"name": name} for name in content.get("labels", ())],
            "user": dict(self.user), "html_url": f"https://github.test/{self.repository}/issues/{number}",
        }  # fmt: skip
        self.issues.append(issue)
        return _json(201, issue)

    def _commented(self, of: str, content: dict[str, Any]) -> Reply:
        number = len(self.comments) + 1
        comment = {
            "id": number, "of": of, "body": content["body"], "user": dict(self.user),
            "html_url": f"https://github.test/{self.repository}{of}#{number}",
        }  # fmt: skip
        self.comments.append(comment)
        return _json(201, comment)

    def _changed(self, items: list[dict[str, Any]], key: str, number: int, got: Got) -> Reply:
        item = next((each for each in items if each[key] == number), None)
        if item is None:
            return _json(404, {"message": "Not Found"})
        if got.method == "GET":
            return _json(200, item)
        if reason := self._invalid(got.json, is_new=False):
            return _json(422, {"message": "Validation Failed", "errors": [reason]})
        item.update({name: value for name, value in got.json.items() if name != "labels"})
        return _json(200, item)

    @staticmethod
    def _invalid(content: dict[str, Any], *, is_new: bool) -> dict[str, str] | None:
        title = content.get("title", "" if is_new else "x")
        if not title or len(title) > 256:
            return {"resource": "Issue", "field": "title", "code": "missing_field" if not title else "too_long"}
        if len(content.get("body") or "") > 65_536:
            return {"resource": "Issue", "field": "body", "message": "body is too long (maximum is 65536 characters)"}
        return None


def _json(status: int, content: object, headers: dict[str, str] | None = None) -> Reply:
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(content).encode()


@contextmanager
def github_at_home() -> Iterator[FakeGitHub]:
    github = FakeGitHub()
    with serving(github.answer) as github.url:
        yield github
