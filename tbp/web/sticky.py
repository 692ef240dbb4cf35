"""One comment on a pull request, an issue or a commit, kept up to date rather than written again and again.

The comment is known again by a marker in its first line, which GitHub does not show, and by its author: anybody may
write a comment with the same marker first, and who wrote a comment can change it later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from tbp.errors import NotDelivered

LIMIT = 65_536  # characters of a comment


class Comments(Protocol):
    """A server with comments: ``GitHub`` or ``GitLab``."""

    def pages(self, path: str, **query: object) -> Iterator[Mapping[str, object]]:
        """Every comment of the list at ``path``, the oldest first."""

    def post(self, path: str, body: object) -> object:
        """Writes a new one."""

    def edit_comment(self, path: str, number: int, body: str) -> object:
        """Writes one of them anew."""

    def is_own(self, author: object) -> bool:
        """True of the token's user."""


def upsert_comment(server: Comments, path: str, marker: str, body: str) -> str:
    """Writes ``marker`` and ``body`` as the comment, or over the one that is there; returns its address.

    ``path`` is that of the list: ``/issues/17/comments``, ``/commits/SHA/comments`` or ``/merge_requests/5/notes``. Two
    that write at once may leave two comments: the older one is kept up to date.
    """
    text = f"{marker}\n{body}"
    if len(text) > LIMIT:
        raise NotDelivered(f"the comment has {len(text):,} characters, and GitHub takes {LIMIT:,}: shorten it")
    existing = own_comment(server, path, marker)
    if existing is None:
        return _address(server.post(path, {"body": text}))
    if existing.get("body") == text:
        return _address(existing)
    return _address(server.edit_comment(path, int(str(existing["id"])), text))


def own_comment(server: Comments, path: str, marker: str) -> Mapping[str, object] | None:
    """The oldest comment with ``marker`` that the token's user wrote; None where there is none."""
    for comment in server.pages(path):
        body = comment.get("body")
        is_marked = isinstance(body, str) and body.partition("\n")[0].strip() == marker
        author = comment.get("user") or comment.get("author")  # of GitHub, of GitLab
        if is_marked and isinstance(comment.get("id"), int) and server.is_own(author):
            return comment
    return None


def _address(comment: object) -> str:
    address = comment.get("html_url") if isinstance(comment, dict) else ""
    return address if isinstance(address, str) else ""
