"""GitHub's REST interface, as far as tbp needs it: lists, one request, and a file that lies on another server.

Paths are below the repository's: ``/issues/17/comments``. What comes back is JSON of strangers: whoever reads a field
checks its type. https://docs.github.com/rest
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from tbp.errors import NotDelivered, UsageError
from tbp.system.foreign_text import line_of
from tbp.web.http import MOST_REASON, Request, Response, WebClock, redirection, send
from tbp.web.secret import Secret, masked, require_safe, secret_of

API = "https://api.github.com"
REPOSITORY = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}", re.ASCII)
JOBS_LOGIN = "github-actions[bot]"  # whom the token of a job speaks for
PER_PAGE = 100  # the most that GitHub gives
MOST_PAGES = 100

_RIGHTS = {
    401: "does not accept GITHUB_TOKEN: it has expired or is of another server; make a new one",
    403: "refuses: give the job the permission (`issues: write`, `pull-requests: write` or `contents: write`)",
    404: "has no such repository or issue for this token: check GITHUB_REPOSITORY and the token's permissions",
    410: "has it no longer: it was deleted, or issues are switched off in the repository's settings",
    422: "takes it for invalid",
}


class GitHub(Struct, frozen=True, dict=True):
    """A repository on a server, and the token that speaks for somebody there."""

    repository: str  # OWNER/NAME
    token: Secret
    api: str = API
    clock: WebClock = WebClock()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, clock: WebClock | None = None) -> GitHub:
        """The repository that GITHUB_REPOSITORY names. Raises UsageError that names a variable that is missing."""
        repository = environment.get("GITHUB_REPOSITORY", "")
        if not REPOSITORY.fullmatch(repository):
            raise UsageError("GITHUB_REPOSITORY must be OWNER/NAME; a job of GitHub has it")
        token = secret_of(environment, "GITHUB_TOKEN")
        if token is None:
            raise UsageError("GITHUB_TOKEN is empty: give the step `env: GITHUB_TOKEN: ${{ github.token }}`")
        api = environment.get("GITHUB_API_URL", "").rstrip("/") or API
        require_safe(api, "GITHUB_API_URL")
        return cls(repository, token, api, clock or WebClock())

    def get(self, path: str, **query: object) -> object:
        return self._json(self._sent("GET", path, query=query))

    def post(self, path: str, body: object) -> object:
        return self._json(self._sent("POST", path, body))

    def patch(self, path: str, body: object) -> object:
        return self._json(self._sent("PATCH", path, body))

    def edit_comment(self, path: str, number: int, body: str) -> object:
        """Writes a comment of the list at ``path`` anew."""
        kind = "/issues/comments" if path.startswith("/issues/") else "/comments"
        return self.patch(f"{kind}/{number}", {"body": body})

    def delete(self, path: str) -> None:
        self._sent("DELETE", path)

    def pages(self, path: str, **query: object) -> Iterator[Mapping[str, object]]:
        """Every item of a list, of at most MOST_PAGES pages."""
        for page in range(1, MOST_PAGES + 1):
            answer = self._sent("GET", path, query={**query, "per_page": PER_PAGE, "page": page})
            items = self._json(answer)
            if not isinstance(items, list):
                raise NotDelivered(f"{self._host} answers {path} with no list: check GITHUB_API_URL")
            yield from (item for item in items if isinstance(item, dict))
            if 'rel="next"' not in answer.headers.get("link", ""):
                return

    def download(self, path: str, most_bytes: int) -> bytes:
        """The file that ``path`` leads to, which may lie on another server: that gets no token.

        Raises NotDelivered also where it is larger than ``most_bytes``.
        """
        request = self._request("GET", path)
        answer = send(request, self.clock, most_bytes, may_leave=True)
        if further := redirection(request, answer):
            require_safe(further, f"the address that {self._host} gives for {path}")
            answer = send(Request("GET", further, secrets=(Secret(further),)), self.clock, most_bytes)
        return self._checked(answer, path).body

    def is_own(self, author: object) -> bool:
        """True of the user, as JSON has it, whom the token speaks for; another bot may repeat what strangers write."""
        return isinstance(author, dict) and author.get("login") == self._login

    @cached_property
    def _login(self) -> str:
        """The login of the token's user. A token of a job, or of another app, may ask only GraphQL for it."""
        try:
            user = self._json(self._sent("GET", f"{self.api}/user"))
        except NotDelivered as error:
            if error.status not in (401, 403, 404):
                raise
            user = self._viewer()
        login = user.get("login") if isinstance(user, dict) else None
        return login if isinstance(login, str) and login else JOBS_LOGIN

    def _viewer(self) -> object:
        """The token's user as GraphQL has it; None where that refuses. https://docs.github.com/graphql"""
        url = f"{self.api.removesuffix('/v3')}/graphql"
        query = self._request("POST", "", {"query": "{viewer{login}}"})
        answer = send(replace(query, url=url), self.clock)
        content = self._json(answer) if answer.is_ok else None
        data = content.get("data") if isinstance(content, dict) else None
        return data.get("viewer") if isinstance(data, dict) else None

    @property
    def _host(self) -> str:
        return urlsplit(self.api).netloc

    def _request(
        self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None
    ) -> Request:
        url = path if path.startswith(self.api) else f"{self.api}/repos/{self.repository}{path}"
        headers = {
            "Authorization": f"Bearer {self.token.reveal()}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        search = f"?{urlencode({name: str(value) for name, value in query.items()})}" if query else ""
        return Request(method, url + search, content, headers, (self.token,))

    def _sent(self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None) -> Response:
        return self._checked(send(self._request(method, path, body, query), self.clock), path)

    def _checked(self, answer: Response, path: str) -> Response:
        if answer.is_ok:
            return answer
        reason = _RIGHTS.get(answer.status, f"answers {answer.status}; try again later")
        if answer.is_busy:
            reason = "takes no more for now; run it again later, and it sends the rest"
        words = _message(answer)
        where = path.removeprefix(self.api).partition("?")[0]
        text = f"{self._host} {reason} ({answer.status} for {quote(where)}{f': {words}' if words else ''})"
        raise NotDelivered(masked(text, self.token), answer.status)

    def _json(self, answer: Response) -> object:
        try:
            return json.loads(answer.body) if answer.body else None
        except (ValueError, RecursionError):
            raise NotDelivered(f"{self._host} answers with no JSON: check GITHUB_API_URL") from None


def _message(answer: Response) -> str:
    """The server's reason, and of what is invalid the fields."""
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return answer.text
    if not isinstance(content, dict):
        return ""
    errors = content.get("errors")
    several = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    details = [str(each.get("message") or f"{each.get('field')} {each.get('code')}") for each in several]
    return line_of("; ".join([str(content.get("message") or ""), *details]).strip("; "))[:MOST_REASON]
