"""The fenced blocks and the inline commands of README and docs, with what may be done with them.

A block has a language. Before one that is not run stands ``<!-- not run: REASON -->``, and for all blocks of a page
``<!-- not run on this page: REASON -->``.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A decision is the record of its day: its commands may be gone.
PAGES = [
    path
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
    if path.name != "CHANGELOG.md" and path.parent.name != "decisions"
]

FENCE = re.compile(
    r"(?:^ *<!-- not run: (?P<reason>[^>]+?) -->\n\s*)?"
    r"^(?P<indent> *)```(?P<language>.*)\n(?P<text>(?:.*\n)*?)(?P=indent)```$",
    re.MULTILINE,
)
OF_PAGE = re.compile(r"^<!-- not run on this page: ([^>]+?) -->$", re.MULTILINE)
INLINE = re.compile(r"`(tbp [^`]+)`")
ENDS = frozenset({"&&", "||", ";", "|", "&"})
"""Words of a shell behind which another command begins."""


@dataclass(frozen=True)
class Block:
    """A fenced block; ``reason`` says why it is not run, and is empty where it is."""

    page: Path
    line: int
    language: str
    text: str
    reason: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, text: str | None = None) -> list[Block]:
    """The blocks of ``page``, in their order."""
    text = page.read_text("utf-8") if text is None else text
    of_page = OF_PAGE.search(text)
    return [
        Block(
            page,
            text.count("\n", 0, found.start("language")) + 1,
            found["language"].strip(),
            re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
            found["reason"] or (of_page[1] if of_page else ""),
        )
        for found in FENCE.finditer(text)
    ]


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block for the shell, each as its words; redirections and comments are left out."""
    for inside in re.findall(r"\$\((tbp [^()]*)\)", text):
        yield from commands(inside)
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
        words.whitespace_split = True
        command: list[str] = []
        is_target = False
        for word in (*words, ";"):
            if word in ENDS:
                yield from [command] if command else []
                command = []
            elif set(word) <= {">", "<"}:
                is_target = True
            elif is_target:
                is_target = False
            else:
                command.append(word)


def inline_commands(text: str) -> list[str]:
    """Each ``tbp …`` that stands between two backquotes, outside of blocks."""
    return [" ".join(found.split()) for found in INLINE.findall(FENCE.sub("", text))]
