"""GitLab's REST interface, as far as tbp needs it: lists, and one request.

Paths are below the project's: ``/merge_requests/5/notes``. What comes back is JSON of strangers: whoever reads a field
checks its type. https://docs.gitlab.com/api/rest/
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

from tbp.errors import NotDelivered, UsageError
from tbp.web.http import MOST_REASON, Request, Response, WebClock, send
from tbp.web.secret import Secret, masked, require_safe, secret_of

PER_PAGE = 100  # the most that GitLab gives
MOST_PAGES = 100

_RIGHTS = {
    401: "does not accept GITLAB_TOKEN: it has expired or is of another server; make a new one",
    403: "refuses: the token needs the scope api, and a role that may write here (Reporter or more)",
    404: "has no such project or merge request for this token: check CI_PROJECT_ID and the token's project",
}


class GitLab(Struct, frozen=True, dict=True):
    """A project on a server, and the token that speaks for somebody there."""

    project: str  # its number
    token: Secret
    api: str  # with the version: https://gitlab.com/api/v4
    clock: WebClock = WebClock()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, clock: WebClock | None = None) -> GitLab:
        """The project of a job. Raises UsageError that names a variable that is missing."""
        project, api = environment.get("CI_PROJECT_ID", ""), environment.get("CI_API_V4_URL", "").rstrip("/")
        if not (project.isascii() and project.isdecimal()):
            raise UsageError("CI_PROJECT_ID must be a number; a job of GitLab has it")
        token = secret_of(environment, "GITLAB_TOKEN")
        if token is None:
            raise UsageError("GITLAB_TOKEN is empty: make a project access token with the scope api, a masked variable")
        require_safe(api, "CI_API_V4_URL")
        return cls(project, token, api, clock or WebClock())

    def get(self, path: str, **query: object) -> object:
        return self._json(self._sent("GET", path, query=query))

    def post(self, path: str, body: object) -> object:
        return self._json(self._sent("POST", path, body))

    def put(self, path: str, body: object) -> object:
        return self._json(self._sent("PUT", path, body))

    def edit_comment(self, path: str, number: int, body: str) -> object:
        """Writes a note of the list at ``path`` anew."""
        return self.put(f"{path}/{number}", {"body": body})

    def pages(self, path: str, **query: object) -> Iterator[Mapping[str, object]]:
        """Every item of a list, the oldest first, of at most MOST_PAGES pages."""
        for page in range(1, MOST_PAGES + 1):
            answer = self._sent("GET", path, query={"sort": "asc", **query, "per_page": PER_PAGE, "page": page})
            items = self._json(answer)
            if not isinstance(items, list):
                raise NotDelivered(f"{self._host} answers {path} with no list: check CI_API_V4_URL")
            yield from (item for item in items if isinstance(item, dict))
            if not answer.headers.get("x-next-page"):
                return

    def is_own(self, author: object) -> bool:
        """True of the user, as JSON has it, whom the token speaks for."""
        return isinstance(author, dict) and author.get("username") == self._name

    @cached_property
    def _name(self) -> str:
        user = self._json(self._sent("GET", f"{self.api}/user"))
        name = user.get("username") if isinstance(user, dict) else None
        if not isinstance(name, str) or not name:
            raise NotDelivered(f"{self._host} does not name the token's user: check CI_API_V4_URL")
        return name

    @property
    def _host(self) -> str:
        return urlsplit(self.api).netloc

    def _sent(self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None) -> Response:
        url = path if path.startswith(self.api) else f"{self.api}/projects/{self.project}{path}"
        headers = {"PRIVATE-TOKEN": self.token.reveal()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        search = f"?{urlencode({name: str(value) for name, value in query.items()})}" if query else ""
        content = None if body is None else json.dumps(body).encode()
        answer = send(Request(method, url + search, content, headers, (self.token,)), self.clock)
        if answer.is_ok:
            return answer
        reason = _RIGHTS.get(answer.status, f"answers {answer.status}; try again later")
        text = f"{self._host} {reason} ({answer.status} for {quote(path)}: {answer.text[:MOST_REASON]})"
        raise NotDelivered(masked(text, self.token), answer.status)

    def _json(self, answer: Response) -> object:
        try:
            return json.loads(answer.body) if answer.body else None
        except (ValueError, RecursionError):
            raise NotDelivered(f"{self._host} answers with no JSON: check CI_API_V4_URL") from None
