"""Texts that nobody may read: tokens, and addresses of webhooks, which let everybody post who knows them.

They come from the environment only. A ``Secret`` has no form in which it is printed, and ``masked`` takes it out of the
words of a server that repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from tbp.errors import UsageError

MASK = "***"
LEAST_MASKED = 6
"""Characters of a secret, or of a part of its address, from which on it is masked: shorter ones are parts of words."""


class Secret:
    """A text that only ``reveal`` gives; printing, formatting and comparing show nothing of it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return MASK

    def __reduce__(self) -> str:
        raise TypeError("a secret is not stored")

    def reveal(self) -> str:
        return self._text

    @property
    def parts(self) -> tuple[str, ...]:
        """The texts of which each gives it away: the whole, and of an address its path, query and their parts."""
        address = urlsplit(self._text) if "://" in self._text else None
        pieces = [self._text, *(text.strip("/") for text in (address.path, address.query) if text)] if address else []
        pieces += [piece for text in pieces[1:] for piece in text.replace("&", "/").replace("=", "/").split("/")]
        return tuple(sorted({piece for piece in pieces or [self._text] if len(piece) >= LEAST_MASKED}, key=len))[::-1]


def masked(text: str, *secrets: Secret | None) -> str:
    """``text`` with MASK for every one of ``secrets`` in it, also as it stands in an address."""
    for part in (part for secret in secrets if secret is not None for part in secret.parts):
        text = text.replace(part, MASK).replace(quote(part, safe=""), MASK)
    return text


def shown_address(address: Secret) -> str:
    """``https://hooks.slack.com/***``: the host of an address."""
    parts = urlsplit(address.reveal())
    return f"{parts.scheme}://{parts.netloc}/{MASK}"


def secret_of(environment: Mapping[str, str], name: str) -> Secret | None:
    """The secret in a variable, without spaces around it; None where the variable is empty or not there.

    Raises UsageError where it cannot stand in a header.
    """
    text = environment.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise UsageError(f"{name} holds characters that no token has; copy it again")
    return Secret(text)


def address_of(environment: Mapping[str, str], name: str) -> Secret | None:
    """The address in a variable; None where the variable is empty or not there.

    Raises UsageError unless it is an address of https; one of http may lead to this machine.
    """
    address = secret_of(environment, name)
    if address is not None:
        require_safe(address.reveal(), name)
    return address


def require_safe(address: str, name: str) -> None:
    """Raises UsageError for an address that would carry secrets in the clear; ``name`` is where it comes from."""
    try:
        parts = urlsplit(address)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise UsageError(f"{name} is no address: it begins with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{name} has a user in it (user:password@host), which is not sent; use a token")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise UsageError(f"{name} must begin with https://; http:// is for this machine only (localhost)")


def is_loopback(host: str) -> bool:
    """True of this machine's own addresses."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
