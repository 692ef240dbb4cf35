"""Text that foreigners wrote, made harmless for whoever prints it.

Names of benchmarks, parameters, machines, commits, branches and operators are chosen by authors that nobody knows.
A terminal obeys escape sequences, a reader believes forged lines, and a CI system runs the commands in its log.
"""

from __future__ import annotations

import re

# Characters that act without being seen: control characters (but tab and newline), lone surrogates, those that turn the
# direction of the text around them (CVE-2021-42574), and those without a width, with which two names look alike.
# Joiners (U+200C, U+200D) stay, as emoji and several scripts need them.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile("[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
# A line that is printed; 20 of a terminal of 200 columns. The value of a parameter may have megabytes.
MOST_OF_LINE = 4000

# Commands in a log: GitHub takes "::name::" at the start of a line, after spaces, and its older "##[name]" anywhere, as
# Azure Pipelines takes "##vso[" and TeamCity "##teamcity[".
# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
# https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
_COMMAND_AT_START = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_HASHES = re.compile("#(?=#)")
_COMMAND_ANYWHERE = re.compile(r"#(?=#(?:\[|vso\[|teamcity\[))", re.IGNORECASE)


def visible(text: str) -> str:
    """``text`` with U+FFFD for characters that act without being seen."""
    return text if text.isprintable() else INVISIBLE.sub("\ufffd", text)  # none of those is printable


def line_of(text: str) -> str:
    """``text`` as a line: without line ends and characters that act unseen, of at most MOST_OF_LINE characters."""
    line = visible(_LINE_ENDS.sub(" ", text[: MOST_OF_LINE + 1]))
    return line if len(text) <= MOST_OF_LINE else f"{line[: MOST_OF_LINE - 1]}…"


def without_commands(text: str, *, is_at_start: bool = True) -> str:
    """``text`` with a space in each command of a CI system; ``is_at_start`` where it begins a line of the output."""
    if "::" in text:
        first, newline, rest = ("", "", text) if is_at_start else text.partition("\n")
        text = first + newline + _COMMAND_AT_START.sub(r"\1: ", rest)
    return _COMMAND_ANYWHERE.sub("# ", text) if "##" in text else text


def json_without_commands(text: str) -> str:
    """JSON that means the same as ``text`` and holds no command of a CI system: ``#`` is in its strings only."""
    return _HASHES.sub(r"\\u0023", text) if "##" in text else text
