"""Pages of a site that are already there as they would be written.

The site is its own cache: noted is only of what each benchmark's files were made, and what they are. A file that is
gone, or that somebody changed, is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from tbp.system import cache, packed_cache

_KIND = b"pages"


class Made(Struct, frozen=True):
    """The files of one benchmark."""

    key: bytes  # digest of all that they are made of
    files: dict[str, bytes]  # digest of the content of each, by its name in the site

    @classmethod
    def of(cls, key: bytes, contents: Mapping[str, bytes]) -> Made:
        return cls(key, {name: cache.digest_of(content) for name, content in contents.items()})


_DECODER = msgspec.msgpack.Decoder(dict[str, Made])


class KnownPages:
    """What is noted of the site in ``out``, by benchmark; nothing where there is no cache."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._before = self._load()
        self._now: dict[str, Made] = {}

    @property
    def is_noted(self) -> bool:
        """Whether anything is kept at all."""
        return cache.folder() is not None

    def standing(self, benchmark: str, key: Callable[[], bytes]) -> tuple[str, ...]:
        """The names of its files, if all of them are as they would be made; else none. ``key`` says of what."""
        made = self._before.get(_storable(benchmark))
        if made is None or made.key != key() or not all(self._is(name, own) for name, own in made.files.items()):
            return ()
        self._now[_storable(benchmark)] = made
        return tuple(made.files)

    def made(self, benchmark: str, own: Made) -> None:
        """Note what was made of a benchmark; it is not there yet."""
        self._now[_storable(benchmark)] = own

    def save(self) -> None:
        """To be called when all of it is there."""
        place = cache.folder()
        if place is not None and self._now != self._before:
            packed_cache.save(self._path(place), _KIND, self._now)

    def _load(self) -> dict[str, Made]:
        place = cache.folder()
        return packed_cache.load(self._path(place), _KIND, _DECODER) or {} if place is not None else {}

    def _path(self, place: Path) -> Path:
        return place / f"pages-{cache.name_of(self.out)}"

    def _is(self, name: str, own: bytes) -> bool:
        path = self.out / name
        try:
            return not path.is_symlink() and cache.file_digest(path) == own
        except OSError:
            return False


def _storable(benchmark: str) -> str:
    """A benchmark's name without halves of characters, which no encoder takes; if two become one, their keys differ."""
    return benchmark.encode("utf-8", "backslashreplace").decode()
