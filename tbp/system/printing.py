"""The one seam through which tbp prints: nothing else in it writes to stdout or stderr.

``say`` and ``warn`` print lines, ``show`` text that was drawn: a table or a form; ``command`` speaks to GitHub's
runner. While guarded streams stand in for stdout and stderr, whatever is printed (by argparse, a warning or a
traceback, too) has no character that acts unseen and no command for a CI system. A stream that cannot hold a character
shows another one; one whose reader went away stays silent, and the verb goes on to its verdict.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from tbp.system.foreign_text import line_of, visible, without_commands

_GONE = (BrokenPipeError, ConnectionResetError)
# tbp's own characters, for a terminal or a log that knows only ASCII or Latin-1.
_PLAIN = {
    "−": "-", "–": "-", "—": "-", "…": "...", "→": "->", "×": "x", "µ": "u", "±": "+-", "·": ".", "÷": "/", "≥": ">=",
    "≤": "<=", "²": "2", "▲": "^", "▼": "v", "✖": "x", "✔": "+", "≠": "!=", "↺": "<-", "◇": "?", "☑": "v", "∅": "-",
    "†": "+", "\u00a0": " ", "\ufffd": "?",
}  # fmt: skip
_OF_COMMAND = {ord(each): f"%{ord(each):02X}" for each in "%\r\n"}
_OF_PROPERTY = _OF_COMMAND | {ord(each): f"%{ord(each):02X}" for each in ":,"}
_READABLE = "tbp.readable"  # the name of ``_readable`` among the handlers of codecs


def say(*lines: str) -> None:
    """Print results: each of ``lines`` is one line, whatever names it holds."""
    _print(sys.stdout, lines)


def warn(*lines: str) -> None:
    """Print what is no result (progress, problems, errors) on stderr; each of ``lines`` is one line."""
    _print(sys.stderr, lines)


def show(text: str) -> None:
    """Print lines that are drawn already: tables of ``tbp.wording.terminal``, whose colours pass, and forms."""
    if sys.stdout is not None:  # it is None where the caller closed it
        drawing(sys.stdout).write(text)


def can_ask() -> bool:
    """True where somebody reads stderr and can type an answer."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def command(name: str, message: str, **properties: str) -> None:
    """Give GitHub's runner a command of a log, such as "error": the only ones in what tbp prints.

    ``message`` and ``properties`` may be foreign text: each is one line, escaped so that it ends nowhere early.
    https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    if sys.stdout is None:  # the caller closed it
        return
    given = ",".join(f"{key}={_escaped(value, _OF_PROPERTY)}" for key, value in properties.items())
    line = f"::{name}{' ' if given else ''}{given}::{_escaped(message, _OF_COMMAND)}\n"
    raw = sys.stdout.raw if isinstance(sys.stdout, GuardedStream) else sys.stdout
    sys.stdout.flush()
    try:
        raw.write(line)
    except _GONE:
        discard(raw)


def _escaped(text: str, escapes: dict[int, str]) -> str:
    return line_of(text).translate(escapes)


def drawing(stream: TextIO) -> TextIO:
    """Returns ``stream`` for escape sequences of tbp's own: bars and colours. Names have to be harmless before."""
    raw = stream.raw if isinstance(stream, GuardedStream) else stream
    return cast(TextIO, GuardedStream(raw, is_drawn=True))


@contextmanager
def guarded() -> Iterator[None]:
    """A block in which stdout and stderr are guarded."""
    streams = sys.stdout, sys.stderr
    guard()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def guard() -> None:
    """Guards stdout and stderr for the rest of the process."""
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let what is still in the buffer of ``stream`` go nowhere, or Python fails to write it when it ends."""
    with suppress(OSError, ValueError):  # it is no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


class GuardedStream:
    """A text stream whose text is harmless; ``is_drawn`` lets escape sequences pass."""

    def __init__(self, raw: TextIO, *, is_drawn: bool = False) -> None:
        self.raw = raw
        self._is_drawn = is_drawn
        self._is_at_start = True  # of a line
        if isinstance(raw, io.TextIOWrapper):
            raw.reconfigure(errors=_READABLE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def write(self, text: str) -> int:
        """Writes ``text`` as far as it is harmless. Raises OSError where it cannot be stored."""
        harmless = without_commands(text if self._is_drawn else visible(text), is_at_start=self._is_at_start)
        if text:
            line = text.rpartition("\n")[2]
            self._is_at_start = not line.strip() and (self._is_at_start or "\n" in text)
        try:
            self.raw.write(harmless)
        except _GONE:
            discard(self.raw)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self.raw.flush()
        except _GONE:
            discard(self.raw)


def _guarded(stream: TextIO | None) -> TextIO:
    """Returns ``stream``, guarded; None, where the caller closed it, stays None, as Python itself has it."""
    is_raw = stream is not None and not isinstance(stream, GuardedStream)
    return cast(TextIO, GuardedStream(cast(TextIO, stream)) if is_raw else stream)


def _print(stream: TextIO | None, lines: tuple[str, ...]) -> None:
    if stream is None:  # the caller closed it
        return
    for line in lines:
        print(line_of(line), file=_guarded(stream), flush=stream is sys.stderr)


def _readable(error: UnicodeError) -> tuple[str, int]:
    """The handler of characters that an encoding lacks: tbp's own become others, foreign ones their numbers."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(each, each.encode("ascii", "backslashreplace").decode()) for each in unknown)
    return plain, error.end


codecs.register_error(_READABLE, _readable)
