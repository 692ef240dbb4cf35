"""Files of tbp's own beside asv's results: JSON of one struct, whose field ``format`` has a number.

Takes paths or bytes, gives the struct, or the reason why there is none. What a file is for is left to
``tbp.asv.ratios`` and ``tbp.asv.reasons``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from tbp.system.bounded import read_plain


class Numbered(Protocol):
    """A struct that has the number of its format."""

    @property
    def format(self) -> int: ...


Record = TypeVar("Record", bound=Numbered)


class UnusableRecord(Exception):
    """A file that holds no such record; the message is the reason."""


class RecordKind(Struct, Generic[Record], frozen=True):
    """One kind of file: the struct in it, and the bounds of both."""

    type: type[Record]
    format: int  # the one that is read
    contents: str  # "ratios", in the reason of a file without them
    most_bytes: int
    fault: Callable[[Record], str] = lambda record: ""  # why a record of the right form cannot be used; empty: it can

    def read(self, path: Path) -> Record:
        """The record in a file. Raises UnusableRecord."""
        try:
            return self.decoded(read_plain(path, self.most_bytes))
        except OSError as error:
            raise UnusableRecord(f"it cannot be opened ({error.strerror})") from None

    def decoded(self, data: bytes) -> Record:
        """The record that is the content of a file. Raises UnusableRecord."""
        try:
            record = msgspec.json.decode(data, type=self.type)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnusableRecord(f"it holds no {self.contents} ({error})") from None
        if record.format != self.format:
            raise UnusableRecord(f"it has format {record.format}, and this tbp reads {self.format}")
        if fault := self.fault(record):
            raise UnusableRecord(fault)
        return record

    def known(self, data: bytes) -> Record | None:
        """The record that is the content of a file; None where it is damaged."""
        try:
            return self.decoded(data)
        except UnusableRecord:
            return None
