"""GitHub's REST interface, as far as tbp needs it: a ``CodeHost``, and a file that lies on another server.

https://docs.github.com/rest
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

from msgspec.structs import replace

from tbp.errors import NotDelivered, UsageError
from tbp.system.foreign_json import object_in
from tbp.system.foreign_text import line_of
from tbp.web.code_host import CodeHost
from tbp.web.http import MOST_REASON, Request, Response, WebClock, redirection, send
from tbp.web.secret import Secret, require_safe, secret_of

API = "https://api.github.com"
REPOSITORY = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}", re.ASCII)
JOBS_LOGIN = "github-actions[bot]"  # whom the token of a job speaks for


class GitHub(CodeHost, frozen=True, dict=True):
    """A repository on a server."""

    projects: ClassVar[str] = "/repos"
    headers: ClassVar[Mapping[str, str]] = {
        "Authorization": "Bearer {}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    changing: ClassVar[str] = "PATCH"
    oldest_first: ClassVar[Mapping[str, str]] = {}  # they are so by themselves
    next_page: ClassVar[tuple[str, str]] = "link", 'rel="next"'
    author: ClassVar[str] = "user"
    user_name: ClassVar[str] = "login"
    rights: ClassVar[Mapping[int, str]] = {
        401: "does not accept GITHUB_TOKEN: it has expired or is of another server; make a new one",
        403: "refuses: give the job the permission (`issues: write`, `pull-requests: write` or `contents: write`)",
        404: "has no such repository or issue for this token: check GITHUB_REPOSITORY and the token's permissions",
        410: "has it no longer: it was deleted, or issues are switched off in the repository's settings",
        422: "takes it for invalid",
    }
    variable: ClassVar[str] = "GITHUB_API_URL"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, clock: WebClock | None = None) -> GitHub:
        """The repository that GITHUB_REPOSITORY names. Raises UsageError that names a variable that is missing."""
        repository = environment.get("GITHUB_REPOSITORY", "")
        if not REPOSITORY.fullmatch(repository):
            raise UsageError("GITHUB_REPOSITORY must be OWNER/NAME; a job of GitHub has it")
        token = secret_of(environment, "GITHUB_TOKEN")
        if token is None:
            raise UsageError("GITHUB_TOKEN is empty: give the step `env: GITHUB_TOKEN: ${{ github.token }}`")
        api = environment.get(cls.variable, "").rstrip("/") or API
        require_safe(api, cls.variable)
        return cls(repository, token, api, clock or WebClock())

    def download(self, path: str, most_bytes: int) -> bytes:
        """The file that ``path`` leads to, which may lie on another server: that gets no token.

        Raises NotDelivered also where it is larger than ``most_bytes``.
        """
        request = self._request("GET", path)
        answer = send(request, self.clock, most_bytes, may_leave=True)
        if further := redirection(request, answer):
            require_safe(further, f"the address that {self.host} gives for {path}")
            answer = send(Request("GET", further, secrets=(Secret(further),)), self.clock, most_bytes)
        return self._checked(answer, path).body

    def edit_comment(self, path: str, number: int, body: str) -> object:
        return super().edit_comment("/issues/comments" if path.startswith("/issues/") else "/comments", number, body)

    @cached_property
    def _name(self) -> str:
        """The login of the token's user. A token of a job, or of another app, may ask only GraphQL for it."""
        try:
            return super()._name
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

    def _reason(self, answer: Response) -> str:
        """The server's message, and of what is invalid the fields."""
        content = object_in(answer.body)
        if content is None:
            return answer.text
        errors = content.get("errors")
        several = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
        details = [str(each.get("message") or f"{each.get('field')} {each.get('code')}") for each in several]
        return line_of("; ".join([str(content.get("message") or ""), *details]).strip("; "))[:MOST_REASON]
