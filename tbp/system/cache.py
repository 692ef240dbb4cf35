"""Files of the cache: where they are, how they are written so that nobody reads half of one, and which have to go.

A file begins with a line that says what it is, then the version that wrote it and a checksum of the rest.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Iterator
from functools import cache
from io import FileIO
from pathlib import Path

import tbp

try:  # hashlib brings OpenSSL, which costs a report that stands a tenth of its time
    from _blake2 import blake2b
except ImportError:  # a Python that leaves all of them to OpenSSL
    from hashlib import blake2b

# Of all files of one folder of the cache, and for how long one is kept that nobody asks for. A choice: a thousand
# traces' tables, or the results and series of a dozen large projects; and a quarter is longer than a holiday.
MOST_BYTES = 1_000_000_000
MOST_DAYS = 90
_DAY_S = 86_400
# A file that changed twice within a tick of its file system's clock (10 ms; 2 s on FAT) has the identity of its first
# version: until it is this old its identity says nothing, as with git's index.
SETTLED_NS = 2_000_000_000
DIGEST_BYTES = 16
_CHUNK_BYTES = 1 << 20
_BEGAN_NS = time.time_ns()


def folder() -> Path | None:
    """Where the cache is; None where there is to be none."""
    if os.environ.get("TBP_NO_CACHE"):
        return None
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home
        return None
    return home / "tbp"


def name_of(path: Path) -> str:
    """A file name for what belongs to the folder or file at ``path``."""
    return blake2b(os.fsencode(path.resolve()), digest_size=DIGEST_BYTES).hexdigest()


@cache
def code_version() -> bytes:
    """Changes with every line of tbp, and with what it computes with: nobody has to remember to raise a number. Empty
    where one of them changed since this process began, which may run the older ones: then nothing is loaded or saved.
    """
    known = blake2b(tbp.__version__.encode(), digest_size=DIGEST_BYTES)
    for path in (*_sources(tbp.__path__[0]), *_versions_of("numpy", "pandas")):
        with contextlib.suppress(OSError), FileIO(path) as file:
            content, stat = file.readall(), os.fstat(file.fileno())
            if max(stat.st_mtime_ns, stat.st_ctime_ns) >= _BEGAN_NS - SETTLED_NS:
                return b""
            known.update(f"{path.rpartition(os.sep)[2]} {len(content)}\n".encode())
            known.update(content)
    return known.digest()


def _sources(folder: str) -> Iterator[str]:
    # Without a Path for each of hundreds of files, which took half of the time.
    with contextlib.suppress(OSError):
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.is_dir():
                yield from _sources(entry.path)
            elif entry.name.endswith((".py", ".html")):
                yield entry.path


def _versions_of(*packages: str) -> Iterator[str]:
    """Files that say which version of a package is installed, without importing it, which takes long."""
    from importlib.util import find_spec

    for package in packages:
        found = find_spec(package)
        for folder in (found.submodule_search_locations or ()) if found else ():
            yield from sorted(str(path) for path in Path(folder).glob("*version*.py"))


def digest_of(content: bytes) -> bytes:
    """Of the content of a file, as ``file_digest`` would say, or of anything else."""
    return blake2b(content, digest_size=DIGEST_BYTES).digest()


def file_digest(path: Path) -> bytes:
    """Of a file's content, 16 bytes. Raises OSError."""
    known = blake2b(digest_size=DIGEST_BYTES)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            known.update(chunk)
    return known.digest()


def load(path: Path, kind: bytes, version: bytes) -> memoryview | None:
    """What was saved as ``kind`` by this ``version``; None where there is no such thing, whole and unchanged."""
    if not version:
        return None
    try:
        data = path.read_bytes()
    except OSError:
        return None
    length = len(_head(kind, version, b""))
    payload = memoryview(data)[length:]
    if data[:length] != _head(kind, version, payload):
        return None
    touch(path)
    return payload


def save(path: Path, kind: bytes, version: bytes, payload: bytes) -> None:
    """Keep ``payload``. Where that cannot be done (a full disk, no right to write), it is not."""
    if version:
        put(path, _head(kind, version, payload), payload)


def put(path: Path, *parts: bytes) -> None:
    """Replace the file at ``path`` by ``parts``, or leave everything as it is; then remove what is too much."""
    import tempfile  # here, as a report that stands already writes nothing

    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as file:
            temporary = file.name
            file.writelines(parts)
        Path(temporary).replace(path)
    except OSError:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        return
    tidy(path.parent)


def touch(path: Path) -> None:
    """Note that somebody asked for the file."""
    with contextlib.suppress(OSError):
        os.utime(path)


def tidy(place: Path, most_bytes: int = MOST_BYTES, most_days: float = MOST_DAYS) -> None:
    """Remove the files right in ``place`` that nobody asked for in a long time, then the oldest of what is too much."""
    now = time.time()
    total = 0
    for modified, size, path in sorted(_files(place), reverse=True):
        total += size
        if total > most_bytes or now - modified > most_days * _DAY_S:
            with contextlib.suppress(OSError):
                path.unlink()


def _files(place: Path) -> Iterator[tuple[float, int, Path]]:
    with contextlib.suppress(OSError):
        for entry in os.scandir(place):
            with contextlib.suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    yield stat.st_mtime, stat.st_size, Path(entry.path)


def _head(kind: bytes, version: bytes, payload: bytes | memoryview) -> bytes:
    return b"tbp %s cache\n" % kind + version + zlib.crc32(payload).to_bytes(4, "big")
