"""The small files of /proc and /sys below a root folder, and which of them could not be read.

The one place of the doctor that opens files of the system. Tests give it a folder that looks like one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tbp.doctor.facts import Unread
from tbp.system.bounded import read_plain

# /proc/cpuinfo of 512 logical cores has about 800 kB; everything else is far smaller.
MOST_BYTES = 4 << 20


class SystemFiles:
    """Reads below ``root``; ``unread`` has what was missed, by subject."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._unread: dict[str, str] = {}

    @property
    def unread(self) -> tuple[Unread, ...]:
        return tuple(Unread(subject, reason) for subject, reason in self._unread.items())

    def text(self, path: str, subject: str = "") -> str:
        """The content of ``path`` without blanks around it; empty where there is none.

        With a ``subject`` its absence is noted.
        """
        try:
            return read_plain(self._root / path, MOST_BYTES).decode("utf-8", "replace").strip()
        except OSError as error:
            if subject:
                self.miss(subject, f"/{path}: {(error.strerror or 'cannot be read').lower()}")
            return ""

    def number(self, path: str, subject: str = "") -> int | None:
        """The whole number in ``path``; None where there is none, as where the kernel has a word there."""
        with suppress(ValueError):
            return int(self.text(path, subject))
        return None

    def names(self, path: str) -> list[str]:
        """Names in a folder, sorted; nothing where there is none."""
        with suppress(OSError):
            return sorted(entry.name for entry in (self._root / path).iterdir())
        return []

    def exists(self, path: str) -> bool:
        with suppress(OSError):
            return (self._root / path).exists()
        return False

    def fields(self, path: str, subject: str = "") -> dict[str, str]:
        """``key: value`` or ``key value`` of each line; of equal keys the first counts."""
        known: dict[str, str] = {}
        for key, value in lines_of(self.text(path, subject)):
            known.setdefault(key, value)
        return known

    def miss(self, subject: str, reason: str) -> None:
        """Note that ``subject`` could not be read; the first reason counts."""
        self._unread.setdefault(subject, reason)


def lines_of(text: str) -> Iterator[tuple[str, str]]:
    """Key and value of each line, parted by a colon or else by the first blank."""
    for line in text.splitlines():
        key, parting, value = line.partition(":")
        if not parting:
            key, _, value = line.strip().partition(" ")
        yield key.strip(), value.strip()


def cores_of(text: str) -> tuple[int, ...]:
    """The numbers of a list of the kernel: ``0-2,5`` is (0, 1, 2, 5); what is no list is none."""
    cores: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        with suppress(ValueError):
            cores += range(int(first), int(last or first) + 1)
    return tuple(cores)


def pressure(text: str) -> float | None:
    """The share of the last 10 s in which some process waited, of a file of /proc/pressure."""
    for word in text.partition("\n")[0].split():
        if word.startswith("avg10="):
            with suppress(ValueError):
                return float(word.removeprefix("avg10=")) / 100
    return None
