"""Results of earlier runs of tbp, kept in one SQLite file in the user's cache folder.

Takes and gives bytes by key. A key is a digest of everything that the bytes were computed from (``key_of``), and tbp's
own code is part of every key, so nothing is ever out of date. Only data is kept, never code; who reads it decodes it
strictly and takes what fits nothing as unknown.

Whatever is wrong with the file (damaged, locked by another process, not writable, the disk full) costs the time that it
would have saved, and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

import tbp

# History of the file's layout.
#   1  first
FILE = "store-1.sqlite3"
KEY_BYTES = 16
# The largest sum of all values, and how long one is kept that nobody asks for. A choice: the results and series of a
# dozen large projects with the operators of a thousand traces; and a quarter is longer than a holiday.
MOST_BYTES = 1_000_000_000
MOST_DAYS = 90
BUSY_S = 2.0  # how long another process is waited for; writing the results of a large project takes 0.5 s
# Of one value: a result file or the series of one benchmark is a hundredth of it. And steps of SQLite's machine for
# one question, some ten seconds: a file that somebody else made may hold a view without an end.
MOST_VALUE_BYTES = 256_000_000
MOST_STEPS, _STEPS_AT_ONCE = 1_000_000_000, 1_000_000
_DAY_S = 86_400
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
COMPUTED_WITH = ("numpy", "pandas", "scipy", "plotly", "jinja2")
# ``used`` is when a value was written or asked for, in s since 1970, to about a day; ``crc`` is of the value, since
# SQLite itself does not notice a flipped bit.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB NOT NULL, crc INTEGER NOT NULL, "
    "size INTEGER NOT NULL, used INTEGER NOT NULL)"
)
_INDEX = "CREATE INDEX IF NOT EXISTS kept_by_use ON kept (used, size)"
_DELETE_OLDEST = (
    "DELETE FROM kept WHERE rowid IN (SELECT rowid FROM "
    "(SELECT rowid, sum(size) OVER (ORDER BY used DESC, rowid DESC) AS total FROM kept) WHERE total > ?)"
)


class Store:
    """The kept values of one owner, whose ``namespace`` no other has."""

    def __init__(self, namespace: str, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.time) -> None:
        self._prefix = namespace.encode() + b"\0"
        self._most_bytes = most_bytes
        self._clock = clock

    @property
    def is_there(self) -> bool:
        """True where anything can be kept at all; else no key needs to be computed."""
        return folder() is not None

    @property
    def is_filled(self) -> bool:
        """False where nothing was ever kept: then no key is known."""
        path = _path()
        return path is not None and _is_file(path)

    def known(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Returns the values of those of ``keys`` that are kept."""
        path, now_s = _path(), int(self._clock())
        values: dict[bytes, bytes] = {}
        if path is None or not self.is_filled:
            return values
        key_of = {self._inside(key): key for key in keys}
        with _harmless(path), _opened(path) as database:
            database.execute("CREATE TEMP TABLE asked (key BLOB PRIMARY KEY)")
            database.executemany("INSERT INTO asked VALUES (?)", ((key,) for key in key_of))
            for key, value, crc in database.execute("SELECT key, value, crc FROM kept JOIN asked USING (key)"):
                if isinstance(value, bytes) and zlib.crc32(value) == crc:
                    values[key_of[key]] = value
            # Last, and at most once a day for each: another process may be writing.
            old = "used < ? AND key IN (SELECT key FROM asked)"
            if database.execute(f"SELECT 1 FROM kept WHERE {old} LIMIT 1", (now_s - _DAY_S,)).fetchone():
                database.execute(f"UPDATE kept SET used = ? WHERE {old}", (now_s, now_s - _DAY_S))
        return values

    def keep(self, values: Mapping[bytes, bytes]) -> None:
        """Keep ``values`` by their keys; then what nobody asked for the longest goes, of all owners together."""
        path, now_s = _path(), int(self._clock())
        if path is None or not values:
            return
        rows = ((self._inside(key), value, zlib.crc32(value), len(value), now_s) for key, value in values.items())
        with _harmless(path):
            _make(path)
            with _opened(path) as database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(_TABLE)
                database.execute(_INDEX)
                database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", rows)
                database.execute("DELETE FROM kept WHERE used < ?", (now_s - MOST_DAYS * _DAY_S,))
                if database.execute("SELECT sum(size) FROM kept").fetchone()[0] > self._most_bytes:
                    database.execute(_DELETE_OLDEST, (self._most_bytes,))

    def _inside(self, key: bytes) -> bytes:
        return blake2b(self._prefix + code_version() + key, digest_size=KEY_BYTES).digest()


def key_of(*values: object) -> bytes:
    """Returns a digest of ``values``, each of which msgspec can write as MessagePack: equal ones have equal digests."""
    try:
        content = msgspec.msgpack.encode(values)
    except UnicodeEncodeError:  # names of files need not be text
        content = repr(values).encode(errors="backslashreplace")
    return blake2b(content, digest_size=KEY_BYTES).digest()


def file_key(path: Path) -> bytes:
    """Returns a digest of the content of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: blake2b(digest_size=KEY_BYTES)).digest()


def folder() -> Path | None:
    """Returns tbp's folder among the user's caches; None where nothing is to be kept (``TBP_NO_CACHE``)."""
    if os.environ.get("TBP_NO_CACHE"):
        return None
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home
        return None
    return home / "tbp"


@cache
def code_version() -> bytes:
    """Returns a digest of every line of tbp and of the versions of what it computes with.

    It is part of every key, so nobody has to remember to raise a number (250 files, 15 ms).
    """
    digest = blake2b(tbp.__version__.encode(), digest_size=KEY_BYTES)
    root = Path(tbp.__path__[0])
    for path in sorted((*root.rglob("*.py"), *root.rglob("*.html"))):
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root)} {len(content)}\n".encode())
            digest.update(content)
    for package in COMPUTED_WITH:
        with contextlib.suppress(PackageNotFoundError):
            digest.update(f"{package} {version(package)}\n".encode())
    return digest.digest()


def _path() -> Path | None:
    in_folder = folder()
    return in_folder / FILE if in_folder is not None else None


def _is_file(path: Path) -> bool:
    with contextlib.suppress(OSError):  # no right to look
        return path.is_file()
    return False


def _make(path: Path) -> None:
    """An empty file that only its owner may read, if there is none; SQLite gives those beside it the same rights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database at ``path``; what is done in it is done whole, or not at all when an error leaves the block."""
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_S)) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES)
        looks = iter(range(MOST_STEPS // _STEPS_AT_ONCE))
        database.set_progress_handler(lambda: next(looks, None) is None, _STEPS_AT_ONCE)
        database.execute("PRAGMA journal_mode = WAL")  # who reads does not wait for who writes
        database.execute("PRAGMA synchronous = NORMAL")
        with database:
            yield database


@contextlib.contextmanager
def _harmless(path: Path) -> Iterator[None]:
    """Ends the block quietly at whatever is wrong with the file; one that is damaged goes."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError, MemoryError) as error:
        # SQLite's message on a damaged table has a part of it, which Python cannot decode; a damaged header may ask for
        # more memory than there is.
        is_damage = isinstance(error, UnicodeDecodeError | MemoryError)
        if is_damage or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            for end in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    Path(f"{path}{end}").unlink()
    except OSError:  # no right to make a folder or a file, or no room
        pass
