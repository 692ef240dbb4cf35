"""What is kept between runs saves time, is bounded, and is never in the way."""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.system import store
from tbp.system.store import FILE, Store, key_of

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16
DAY_S = 86_400


@pytest.fixture(autouse=True)
def home(store_folder: Path) -> Path:
    return store_folder


def test_what_was_kept_is_known_and_nothing_else():
    assert Store("n").known([A, B]) == {}
    Store("n").keep({A: b"one", B: b""})
    assert Store("n").known([B, A, C]) == {A: b"one", B: b""}
    Store("n").keep({A: b"two"})
    assert Store("n").known([A]) == {A: b"two"}
    assert Store("n").known([]) == {}


def test_owners_do_not_see_each_other_s_values():
    Store("n").keep({A: b"one"})
    assert Store("m").known([A]) == {}


def test_ten_thousand_keys_are_asked_for_at_once():
    values = {key_of(number): str(number).encode() for number in range(10_000)}
    Store("n").keep(values)
    assert Store("n").known([*values, A]) == values


def test_another_version_of_the_code_knows_nothing(monkeypatch: pytest.MonkeyPatch):
    Store("n").keep({A: b"one"})
    monkeypatch.setattr(store, "code_version", lambda: b"another")
    assert Store("n").known([A]) == {}


def test_only_the_user_may_read_it(home: Path):
    Store("n").keep({A: b"one"})
    with sqlite3.connect(home / FILE) as other:  # so that the files beside it stay
        other.execute("SELECT * FROM kept").fetchall()
        Store("n").keep({B: b"two"})
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    other.close()
    assert modes == dict.fromkeys((FILE, f"{FILE}-wal", f"{FILE}-shm"), 0o600)


def test_it_can_be_switched_off(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TBP_NO_CACHE", "1")
    Store("n").keep({A: b"one"})
    assert Store("n").known([A]) == {}
    assert not Store("n").is_there
    assert not home.exists()


def test_what_was_asked_for_last_stays_when_it_is_too_much():
    day = iter(range(10))
    kept = Store("n", most_bytes=250, clock=lambda: next(day) * DAY_S * 2)
    kept.keep({A: bytes(100)})
    kept.keep({B: bytes(100)})
    assert set(kept.known([A])) == {A}  # younger than B from now on
    kept.keep({C: bytes(100)})
    assert set(kept.known([A, B, C])) == {A, C}


def test_the_newest_stay_of_what_is_written_at_once():
    kept = Store("n", most_bytes=1_000)
    for start in range(0, 100, 10):
        kept.keep({key_of(number): bytes(50) for number in range(start, start + 10)})
    assert set(kept.known([key_of(number) for number in range(100)])) == {key_of(n) for n in range(80, 100)}
    kept.keep({A: bytes(2_000)})
    assert kept.known([A]) == {}


def test_what_nobody_asked_for_in_a_quarter_goes():
    now_s = [0.0]
    kept = Store("n", clock=lambda: now_s[0])
    kept.keep({A: b"one", B: b"two"})
    now_s[0] = 60 * DAY_S
    assert kept.known([B])
    now_s[0] = 91 * DAY_S
    kept.keep({C: b"three"})
    assert set(kept.known([A, B, C])) == {B, C}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:100],
        lambda data: data[: len(data) // 2],
        lambda data: os.urandom(5_000),
        lambda data: data[:4_096] + os.urandom(len(data) - 4_096),
        lambda data: b"SQLite format 3\0" + bytes(5_000),
        # SQLite's message has the part of the text that it does not know.
        lambda data: data.replace(b"CREATE TABLE", b"CRE\xb6TE TABLE"),
        lambda data: data.replace(b"CREATE INDEX", b"CREATE \xff\xfeDEX"),
        lambda data: data.replace(b"value BLOB", b"\xed\xa0\x80( ) BLOB"[:10]),
        # The schema's first record claims a length for which there is no memory.
        lambda data: (
            b"SQLite format 3\0\x02\0\0\0\0@  ".ljust(100, b"\0")
            + b"\x0d\0\0\0\x03\0\0\0\x01\x36".ljust(210, b"\0")
            + (12 * b"\xff" + b"\0\x5f").ljust(1_254, b"\0")
        ),
    ],
)
def test_a_damaged_file_knows_nothing_and_is_made_anew(home: Path, damage: Callable[[bytes], bytes]):
    values = {key_of(number): bytes(300) for number in range(100)}
    Store("n").keep(values)
    path = home / FILE
    path.write_bytes(damage(path.read_bytes()))
    assert Store("n").known([A]) == {}
    for _ in range(2):  # the first of which may be what notices
        Store("n").keep(values)
    assert Store("n").known([*values]) == values


def test_a_value_with_a_flipped_bit_is_unknown(home: Path):
    Store("n").keep({A: b"the value", B: b"another"})
    data = (home / FILE).read_bytes()
    assert data.count(b"the value") == 1
    (home / FILE).write_bytes(data.replace(b"the value", b"the valuf"))
    assert Store("n").known([A, B]) == {B: b"another"}


def test_a_locked_file_costs_the_saving_only(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "BUSY_S", 0.01)
    Store("n").keep({A: b"one"})
    with sqlite3.connect(home / FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        Store("n").keep({B: b"two"})
        assert Store("n").known([A, B]) == {A: b"one"}  # who reads does not wait for who writes
        other.execute("ROLLBACK")
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
    other.close()
    assert Store("n").known([A, B]) == {A: b"one"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_no_cache(home: Path):
    home.parent.mkdir()
    home.parent.chmod(0o500)
    Store("n").keep({A: b"one"})
    assert Store("n").known([A]) == {}


def test_a_file_in_place_of_the_folder_is_no_cache(home: Path):
    home.parent.mkdir()
    home.write_text("mine")
    Store("n").keep({A: b"one"})
    assert Store("n").known([A]) == {}
    assert home.read_text() == "mine"


def test_a_full_disk_is_no_cache(home: Path, monkeypatch: pytest.MonkeyPatch):
    Store("n").keep({A: b"one"})
    connect = sqlite3.connect

    def limited(*arguments: object, **options: object) -> sqlite3.Connection:
        database = connect(*arguments, **options)  # type: ignore[call-overload]
        database.execute("PRAGMA max_page_count = 8")
        return database

    monkeypatch.setattr(sqlite3, "connect", limited)
    Store("n").keep({B: bytes(1_000_000)})
    assert Store("n").known([A, B]) == {A: b"one"}


WRITER = """
import sys
from tbp.system import store
from tbp.system.store import Store, key_of
store.BUSY_S = 60.0  # a slow disk makes the others wait, and who has waited too long keeps nothing
for number in range(20):
    Store("n").keep({key_of(sys.argv[1], number): bytes(1_000)})
"""


def test_several_processes_write_at_once(home: Path):
    Store("n").keep({A: b"one"})
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in "xyz"]
    assert [process.wait() for process in processes] == [0, 0, 0]
    keys = [key_of(name, number) for name in "xyz" for number in range(20)]
    assert Store("n").known([A, *keys]) == {A: b"one", **{key: bytes(1_000) for key in keys}}


@pytest.mark.parametrize(
    ("one", "other"),
    [(("ab", "c"), ("a", "bc")), (("1",), (1,)), ((1,), (1.0,)), ((None,), ("",)), (("\udc80",), ("\udc81",))],
)
def test_what_differs_has_another_key(one: tuple[object, ...], other: tuple[object, ...]):
    assert key_of(*one) != key_of(*other)
    assert key_of(*one) == key_of(*one)
    assert len(key_of(*one)) == 16


def test_a_file_with_a_view_without_an_end_costs_its_steps_only(store_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tbp.system.store.MOST_STEPS", 3_000_000)
    store_folder.mkdir(parents=True, exist_ok=True)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS key, 1 AS value, 1 AS crc FROM n"
    )
    with contextlib.closing(sqlite3.connect(store_folder / FILE)) as database:
        database.execute(f"CREATE VIEW kept AS {endless}")
        database.commit()
    assert Store("x").known([b"1"]) == {}


def test_a_value_beyond_the_bound_is_not_kept(store_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tbp.system.store.MOST_VALUE_BYTES", 1_000)
    owner = Store("x")
    owner.keep({b"1": b"x" * 2_000})
    owner.keep({b"2": b"x" * 500})
    assert owner.known([b"1", b"2"]) == {b"2": b"x" * 500}
