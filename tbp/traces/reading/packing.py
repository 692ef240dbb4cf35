"""A file on disk → its text, block by block, unpacked if need be.

Takes ``.json``, ``.json.gz`` and ``.json.zst`` files, told apart by their first bytes, not by their names. Gives as
much of a damaged one as can be unpacked and counts the damage. Never holds more than a few blocks, and refuses what
unpacks to more than any recording does. The meaning of the text is left to ``document``.
"""

from __future__ import annotations

import gzip
import importlib
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tbp.errors import UnreadableTrace
from tbp.traces.reading.loss import Tally

# 1 MB of text is 2–4 thousand events: decoding got no faster beyond it, 2 MB took 7 MB more memory and 8 MB 30 MB.
BLOCK_BYTES = 1 << 20

# Real traces pack 10–35 : 1 (repeated ones 40), a bomb of one repeated byte 1,032 : 1, the most deflate can do.
LARGEST_RATIO = 400
RATIO_FROM_BYTES = 64 << 20  # less text than this harms nobody at any ratio

# About ten million events. A recording of that size is a mistake of its schedule, and no viewer opens it either.
LARGEST_TEXT_BYTES = 4 << 30

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_LARGEST_WINDOW = 1 << 27  # of zstd; what ``zstd --long`` writes. A frame may ask for 3.75 TB.


def blocks(path: Path, tally: Tally) -> Iterator[bytes]:
    """The text of a file in blocks of about BLOCK_BYTES. Raises UnreadableTrace, without the path in its message."""
    try:
        _require_file(path)
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start.startswith(_GZIP):
                text = _gunzipped(file, tally)
            elif start == _ZSTD:
                text = _unzstd(file, tally)
            else:
                text = iter(lambda: file.read(BLOCK_BYTES), b"")
            # A plain file has no ratio: it may only have grown since it was opened.
            is_packed = start.startswith((_GZIP, _ZSTD))
            packed_bytes = path.stat().st_size if is_packed else LARGEST_TEXT_BYTES
            yield from _bounded(text, max(RATIO_FROM_BYTES, LARGEST_RATIO * packed_bytes), tally)
    except OSError as error:
        raise UnreadableTrace(f"cannot be opened ({error.strerror}); check the path") from error


def _require_file(path: Path) -> None:
    """Refuses pipes, which wait for a writer, and devices, which may never end: UnreadableTrace, or OSError."""
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        raise UnreadableTrace("is a folder; name a trace file in it")
    if not stat.S_ISREG(kind):
        raise UnreadableTrace("is no file but a pipe or device; save what comes out of it and name that")


def _bounded(text: Iterator[bytes], unpacked_bytes: int, tally: Tally) -> Iterator[bytes]:
    size_bytes = 0
    for block in text:
        size_bytes += len(block)
        if size_bytes > LARGEST_TEXT_BYTES:
            raise UnreadableTrace(
                f"holds more than {LARGEST_TEXT_BYTES >> 30} GB of text; record fewer steps (torch.profiler.schedule)"
            )
        if size_bytes > unpacked_bytes:
            raise UnreadableTrace(f"unpacks to over {LARGEST_RATIO} × its size, which no trace does; record it again")
        yield block
    if not size_bytes and tally.loss:
        raise UnreadableTrace("is cut off or damaged so that nothing of it can be unpacked; copy or record it again")


def _gunzipped(file: BinaryIO, tally: Tally) -> Iterator[bytes]:
    with gzip.open(file) as unpacked:
        try:
            # Small reads: of the one that meets the damage nothing is had.
            yield from iter(lambda: unpacked.read1(1 << 16), b"")
        except EOFError:
            tally.add(packing_cut=1)
        except gzip.BadGzipFile as error:
            if "check failed" in str(error) or "Incorrect length" in str(error):
                tally.add(packing_unsure=1)
            else:  # what follows the text is neither padding nor another member
                tally.add(packing_damaged=1)
        except zlib.error:
            tally.add(packing_damaged=1)


def _unzstd(file: BinaryIO, tally: Tally) -> Iterator[bytes]:
    reader, errors = _zstd_reader(file)
    try:
        yield from iter(lambda: reader.read(BLOCK_BYTES), b"")
    except EOFError:
        tally.add(packing_cut=1)
    except errors:
        tally.add(packing_damaged=1)


def _zstd_reader(file: BinaryIO) -> tuple[Any, type[Exception]]:
    """A stream and its exceptions: Python's own from 3.14 on, else the package ``zstandard``."""
    try:
        standard = importlib.import_module("compression.zstd")
        limits = {standard.DecompressionParameter.window_log_max: _LARGEST_WINDOW.bit_length() - 1}
        return standard.ZstdFile(file, options=limits), standard.ZstdError
    except ModuleNotFoundError:
        pass
    try:
        package = importlib.import_module("zstandard")
    except ModuleNotFoundError:
        raise UnreadableTrace(
            "is packed with zstd, for which there is no reader here; pip install zstandard, or unpack it"
        ) from None
    unpacker = package.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    return unpacker.stream_reader(file, read_across_frames=True), package.ZstdError
