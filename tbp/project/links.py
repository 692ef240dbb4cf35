"""Addresses that others wrote, of which a page makes links."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

MOST_CHARACTERS = 2_000  # of an address; browsers and servers take about as many


@lru_cache(1024)  # a site has one prefix of commits, and a link for each entry of acks.toml
def web_address(text: str) -> str:
    """``text`` where it is an address of http or https with a host, in characters that are seen; else empty."""
    if len(text) > MOST_CHARACTERS or not text.isprintable() or any(character.isspace() for character in text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""
