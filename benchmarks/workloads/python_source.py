"""A small data set that every Python ships: its own source code, with the kind of token that each character belongs to.

Takes modules of the standard library, gives windows of characters and their labels by ``tokenize``. A window begins at
a line outside of any string, so that it holds all that its labels depend on. Modules for testing are not for training.
Another Python has another standard library, and so other data: accuracies compare within one Python only.
"""

# W windows, S characters in a window

import io
import keyword
import sysconfig
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tbp import bench

# Single files in every Python from 3.11 to 3.14; what is missing is passed over.
TRAINING = (
    *("argparse", "ast", "bisect", "calendar", "codecs", "configparser", "contextlib", "copy", "dataclasses"),
    *("datetime", "difflib", "dis", "doctest", "enum", "fileinput", "fractions", "functools", "gettext", "heapq"),
    *("hmac", "inspect", "locale", "mimetypes", "numbers", "operator", "optparse", "pdb", "pickle", "plistlib"),
    *("random", "reprlib", "sched", "selectors", "shelve", "shutil", "smtplib", "socket", "statistics", "subprocess"),
    *("tempfile", "threading", "timeit", "trace", "typing", "uuid", "weakref"),
)
TESTING = (
    *("csv", "ftplib", "glob", "ipaddress", "mailbox", "platform", "queue", "shlex", "tarfile", "textwrap"),
    *("traceback", "warnings"),
)

VOCABULARY = 128  # ASCII; other characters become "?"
KINDS = ("blank", "name", "keyword", "number", "string", "comment", "operator")
_KIND = {
    tokenize.NAME: KINDS.index("name"),
    tokenize.NUMBER: KINDS.index("number"),
    tokenize.STRING: KINDS.index("string"),
    tokenize.COMMENT: KINDS.index("comment"),
    tokenize.OP: KINDS.index("operator"),
}


@dataclass(frozen=True)
class Windows:
    """Characters, and the kind of token of each."""

    characters: Tensor  # (W, S), int64
    kinds: Tensor  # likewise


def windows(modules: Sequence[str], length: int, most: int | None = None) -> Windows:
    """All windows of ``length`` characters of the modules, at most ``most`` of them, drawn with a fixed seed.

    Raises:
        Skip: this Python has no source of its standard library.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    paths = [path for module in modules if (path := folder / f"{module}.py").exists()]
    if not paths:
        raise bench.Skip(f"this Python has no source of its standard library in {folder}")
    parts = [_of_text(path.read_text(encoding="utf-8"), length) for path in paths]
    characters_WS = torch.cat([part.characters for part in parts])
    kinds_WS = torch.cat([part.kinds for part in parts])
    if most is not None:
        drawn = torch.randperm(len(characters_WS), generator=torch.Generator().manual_seed(0))[:most]
        characters_WS, kinds_WS = characters_WS[drawn], kinds_WS[drawn]
    return Windows(characters_WS, kinds_WS)


def _of_text(text: str, length: int) -> Windows:
    text = text.encode("ascii", "replace").decode()  # one byte a character, so that columns stay
    lines = text.splitlines(keepends=True)
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    kinds = [0] * len(text)
    inside: set[int] = set()  # lines that begin in the middle of a token
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = _kind(token)
        if kind:
            start, end = (offsets[line - 1] + column for line, column in (token.start, token.end))
            kinds[start:end] = [kind] * (end - start)
            inside.update(range(token.start[0], token.end[0]))
    begins = [
        offsets[at]
        for at, line in enumerate(lines)
        if at not in inside and line.strip() and offsets[at] + length <= len(text)
    ]
    at_WS = torch.tensor(begins, dtype=torch.long)[:, None] + torch.arange(length)
    return Windows(torch.tensor(list(text.encode()))[at_WS], torch.tensor(kinds)[at_WS])


def _kind(token: tokenize.TokenInfo) -> int:
    if token.type == tokenize.NAME and keyword.iskeyword(token.string):
        return KINDS.index("keyword")
    if tokenize.tok_name[token.type].startswith(("FSTRING", "TSTRING")):  # since Python 3.12, in pieces
        return KINDS.index("string")
    return _KIND.get(token.type, 0)
