"""The text of Python values as asv and the ruler store them, without what only Python needs: quotes, addresses.

Texts of files may hold halves of characters, which JSON can escape and no output can encode.
"""

from __future__ import annotations

import ast
import re
from warnings import catch_warnings

_CLASS = re.compile(r"<class '(.+)'>")
_ADDRESS = re.compile(r"^(<.*) at 0x[0-9a-fA-F]+(>)$")
# A longer text is shown as it is: Python's parser, meant for programs that one trusts, takes 1 kB for each of its
# characters and refuses "1+1+1…" of a few thousand only by running out of stack.
MOST_PARSED = 2_000


def plain_value(text: str) -> str:
    """``'sdpa'`` → ``sdpa``, ``<class 'int'>`` → ``int``, ``<Model at 0x7f12>`` → ``<Model>``; else as it is.

    An address is another one in every process; asv_runner leaves it out.
    """
    if text[:1] in ("'", '"') and len(text) <= MOST_PARSED:
        try:
            value = literal(text)
        except ValueError:
            return text
        if isinstance(value, str):
            value = encodable(value)
        return value if isinstance(value, str) and value.strip() else text
    named = _CLASS.fullmatch(text)
    return named[1] if named else without_address(text)


def literal(text: str) -> object:
    """The value of a literal of Python; of its remarks on strange ones, as ``"\\d"``, nothing is printed.

    Raises ValueError where ``text`` is none.
    """
    try:
        with catch_warnings(action="ignore"):
            return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):  # TypeError: "{[]}"
        raise ValueError("no literal of Python") from None


def encodable(text: str) -> str:
    """``text`` with a question mark for each half of a character."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def without_address(text: str) -> str:
    """``<Model at 0x7f12>`` → ``<Model>``; other text as it is."""
    return _ADDRESS.sub(r"\1\2", text)
