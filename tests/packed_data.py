"""Packed data of a report, as its scripts unpack it."""

import base64
import zlib

import msgspec


def unpacked(text: str) -> object:
    """The value that a script makes of ``text``."""
    return msgspec.json.decode(zlib.decompress(base64.b64decode(text)))
