"""The text of Python values as asv and the ruler store them, without what only Python needs: quotes, addresses."""

from __future__ import annotations

import ast
import re

_CLASS = re.compile(r"<class '(.+)'>")
_ADDRESS = re.compile(r"^(<.*) at 0x[0-9a-fA-F]+(>)$")


def plain_value(text: str) -> str:
    """``'sdpa'`` → ``sdpa``, ``<class 'int'>`` → ``int``, ``<Model at 0x7f12>`` → ``<Model>``; else as it is.

    An address is another one in every process; asv_runner leaves it out.
    """
    if text[:1] in ("'", '"'):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text
        return value if isinstance(value, str) and value.strip() else text
    named = _CLASS.fullmatch(text)
    return named[1] if named else without_address(text)


def without_address(text: str) -> str:
    """``<Model at 0x7f12>`` → ``<Model>``; other text as it is."""
    return _ADDRESS.sub(r"\1\2", text)
