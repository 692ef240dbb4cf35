"""Files of an earlier build of the site that would be made again as they are.

Takes a digest of all that some files are made from, gives what they say where they still lie in the folder as they
were written. The store keeps digests only: the content is that of the site. Of a page its surroundings do not count,
as every page names the newest commit there, and rendering them costs 0.1 s for 1,600 pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from tbp.history.events import SeriesChange
from tbp.model.changes import History, LineRuns
from tbp.model.points import columns
from tbp.report.base.render import main_of
from tbp.report.base.report_data import ReportData
from tbp.system.store import KEY_BYTES, Store

# Digests of files that were made together, by their names in the site.
FileDigests: TypeAlias = dict[str, bytes]

_DECODER = msgspec.msgpack.Decoder(FileDigests)


def file_digests(contents: Mapping[str, bytes]) -> FileDigests:
    """Returns the digests of files, of which ``contents`` has the content by name."""
    return {
        name: blake2b(_lasting(name, content), digest_size=KEY_BYTES).digest() for name, content in contents.items()
    }


def rest_of(data: ReportData) -> list[object]:
    """Returns what ``data`` holds besides its histories, in values that have a digest."""
    # An event holds the whole history of each change; which change it is says its series and index.
    events = [replace(event, changes=(), suspects=()) for event in data.events]
    members = [(_changes(event.changes), _changes(event.suspects)) for event in data.events]
    return [replace(data, histories=(), joined=None), events, members, _circumstances(data)]


def _circumstances(data: ReportData) -> list[object]:
    """The circumstances of every run, which the digest of its points leaves out: pages of benchmarks lack them."""
    several: list[History | LineRuns] = [*data.histories, *data.beside]
    known = [each for runs in several if (each := columns(runs.points).measured_with) is not None]
    tables = {id(each.table): each.table for each in known}
    return [list(tables.values()), [(each.index, each.numbers) for each in known]]


def _changes(several: Iterable[SeriesChange]) -> list[object]:
    return [(change.history.key, change.evidence.change.index, change.range) for change in several]


class EarlierFiles:
    """The files that an earlier build left in the folder ``out``, by digests of what they were made from."""

    def __init__(self, out: Path, keys: Iterable[bytes], is_worth: bool = True) -> None:
        self._out, self._store = out, Store("files of sites")
        self._is_worth = is_worth and self._store.is_there
        self._known = self._store.known(keys) if self._is_worth else {}
        self._new: dict[bytes, bytes] = {}

    def of(self, key: bytes) -> dict[str, bytes] | None:
        """Returns what lasts of each file that was made from ``key``; None where one is missing or was changed."""
        digests = _decoded(self._known.get(key))
        contents = {name: _read(self._out / name) for name in digests}
        if not digests or file_digests(contents) != digests:
            return None
        return {name: _lasting(name, content) for name, content in contents.items()}

    def note(self, key: bytes, digests: FileDigests) -> None:
        """Remember what was made from ``key``."""
        self._new[key] = msgspec.msgpack.encode(digests)

    def keep(self) -> None:
        """Write down what was noted: call it when the files are in their places."""
        if self._is_worth:
            self._store.keep(self._new)


def _lasting(name: str, content: bytes) -> bytes:
    """The part of a file that is the same whatever the newest commit is: of a benchmark's page its content."""
    return main_of(content) if name.startswith("benchmarks/") else content


def _decoded(payload: bytes | None) -> FileDigests:
    try:
        return _DECODER.decode(payload) if payload is not None else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def _read(path: Path) -> bytes:
    """Nothing for a file that cannot be read, or is a link to one: what the site has there is to be a file."""
    try:
        return b"" if path.is_symlink() else path.read_bytes()
    except OSError:
        return b""
