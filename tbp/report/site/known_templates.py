"""The report's templates compiled once, as Python does with modules: compiling takes a third of a small site's time."""

from __future__ import annotations

from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from tbp.system import cache

_KIND = b"template"


class KnownTemplates(BytecodeCache):
    """Keeps what jinja compiled in ``place``; jinja itself tells whether it is of the same source."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def load_bytecode(self, bucket: Bucket) -> None:
        kept = cache.load(self._file(bucket), _KIND, cache.code_version())
        if kept is not None:
            bucket.bytecode_from_string(bytes(kept))

    def dump_bytecode(self, bucket: Bucket) -> None:
        cache.save(self._file(bucket), _KIND, cache.code_version(), bucket.bytecode_to_string())

    def _file(self, bucket: Bucket) -> Path:
        return self._place / f"{bucket.key}.template"


def known_templates() -> KnownTemplates | None:
    """None where nothing is kept."""
    place = cache.folder()
    return KnownTemplates(place / "templates") if place is not None else None
