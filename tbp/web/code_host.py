"""The REST interface of a server that has projects, issues and comments: what GitHub's and GitLab's have in common.

Paths are below the project's: ``/issues/17``. What comes back is JSON of strangers: whoever reads a field checks its
type. What differs is data of ``tbp.web.github`` and ``tbp.web.gitlab``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import ClassVar
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

from tbp.errors import NotDelivered
from tbp.web.http import Request, Response, WebClock, send
from tbp.web.secret import Secret, masked

PER_PAGE = 100  # the most that either gives
MOST_PAGES = 100


class CodeHost(Struct, frozen=True, dict=True):
    """A project on a server, and the token that speaks for somebody there."""

    projects: ClassVar[str]  # the path of all of them
    headers: ClassVar[Mapping[str, str]]  # "{}" in one of them is the token
    changing: ClassVar[str]  # the method that changes a part of something
    oldest_first: ClassVar[Mapping[str, str]]  # of a query for a list of comments
    next_page: ClassVar[tuple[str, str]]  # a header, and the pattern in it where another page follows
    author: ClassVar[str]  # the key of whoever wrote an issue or a comment
    user_name: ClassVar[str]  # the key of a user's name
    rights: ClassVar[Mapping[int, str]]  # by status: the meaning of a refusal
    variable: ClassVar[str]  # of a job, that has the address of the interface

    project: str  # OWNER/NAME on GitHub, its number on GitLab
    token: Secret
    api: str  # the address of the interface
    clock: WebClock = WebClock()

    @property
    def host(self) -> str:
        """The server's name."""
        return urlsplit(self.api).netloc

    def get(self, path: str, **query: object) -> object:
        return self._json(self._sent("GET", path, query=query))

    def post(self, path: str, body: object) -> object:
        return self._json(self._sent("POST", path, body))

    def change(self, path: str, body: object) -> object:
        """Changes the fields that ``body`` has."""
        return self._json(self._sent(self.changing, path, body))

    def delete(self, path: str) -> None:
        self._sent("DELETE", path)

    def edit_comment(self, path: str, number: int, body: str) -> object:
        """Writes a comment of the list at ``path`` anew."""
        return self.change(f"{path}/{number}", {"body": body})

    def pages(self, path: str, **query: object) -> Iterator[Mapping[str, object]]:
        """Every item of a list, of at most MOST_PAGES pages; comments come the oldest first."""
        header, pattern = self.next_page
        for page in range(1, MOST_PAGES + 1):
            answer = self._sent("GET", path, None, {**self.oldest_first, **query, "per_page": PER_PAGE, "page": page})
            items = self._json(answer)
            if not isinstance(items, list):
                raise NotDelivered(f"{self.host} answers {path} with no list: check {self.variable}")
            yield from (item for item in items if isinstance(item, dict))
            if not re.search(pattern, answer.headers.get(header, "")):
                return

    def wrote(self, item: Mapping[str, object]) -> bool:
        """True of an issue or a comment, as JSON has it, of the user whom the token speaks for."""
        author = item.get(self.author)
        return isinstance(author, dict) and author.get(self.user_name) == self._name

    @cached_property
    def _name(self) -> str:
        user = self._json(self._sent("GET", f"{self.api}/user"))
        name = user.get(self.user_name) if isinstance(user, dict) else None
        if not isinstance(name, str) or not name:
            raise NotDelivered(f"{self.host} does not name the token's user: check {self.variable}")
        return name

    def _request(
        self, method: str, path: str, body: object = None, query: Mapping[str, object] | None = None
    ) -> Request:
        url = path if path.startswith(self.api) else f"{self.api}{self.projects}/{self.project}{path}"
        headers = {name: text.format(self.token.reveal()) for name, text in self.headers.items()}
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
        refusal = self.rights.get(answer.status, f"answers {answer.status}; try again later")
        if answer.is_busy:
            refusal = "takes no more for now; run it again later, and it sends the rest"
        words = self._reason(answer)
        where = path.removeprefix(self.api).partition("?")[0]
        text = f"{self.host} {refusal} ({answer.status} for {quote(where)}{f': {words}' if words else ''})"
        raise NotDelivered(masked(text, self.token), answer.status)

    def _reason(self, answer: Response) -> str:
        """The server's words on a refusal."""
        return answer.text

    def _json(self, answer: Response) -> object:
        try:
            return json.loads(answer.body) if answer.body else None
        except (ValueError, RecursionError):
            raise NotDelivered(f"{self.host} answers with no JSON: check {self.variable}") from None
