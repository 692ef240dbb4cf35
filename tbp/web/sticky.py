"""One comment on a pull request, an issue or a commit, kept up to date rather than written again and again.

The comment is known again by a marker in its first line, which GitHub does not show, and by its author: anybody may
write a comment with the same marker first, and who wrote a comment can change it later.
"""

from __future__ import annotations

from collections.abc import Mapping

from tbp.errors import NotDelivered
from tbp.web.code_host import CodeHost

LIMIT = 65_536  # characters of a comment


def upsert_comment(host: CodeHost, path: str, marker: str, body: str) -> str:
    """Writes ``marker`` and ``body`` as the comment, or over the one that is there; returns its address.

    ``path`` is that of the list: ``/issues/17/comments``, ``/commits/SHA/comments`` or ``/merge_requests/5/notes``. Two
    that write at once may leave two comments: the older one is kept up to date.
    """
    text = f"{marker}\n{body}"
    if len(text) > LIMIT:
        raise NotDelivered(f"the comment has {len(text):,} characters, and GitHub takes {LIMIT:,}: shorten it")
    existing = own_comment(host, path, marker)
    if existing is None:
        return _address(host.post(path, {"body": text}))
    if existing.get("body") == text:
        return _address(existing)
    return _address(host.edit_comment(path, int(str(existing["id"])), text))


def own_comment(host: CodeHost, path: str, marker: str) -> Mapping[str, object] | None:
    """The oldest comment with ``marker`` that the token's user wrote; None where there is none."""
    for comment in host.pages(path):
        body = comment.get("body")
        is_marked = isinstance(body, str) and body.partition("\n")[0].strip() == marker
        if is_marked and isinstance(comment.get("id"), int) and host.wrote(comment):
            return comment
    return None


def _address(comment: object) -> str:
    address = comment.get("html_url") if isinstance(comment, dict) else ""
    return address if isinstance(address, str) else ""
