"""The files of the cache stay few, and are read whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from tbp.system import cache, packed_cache

DAY_S = 86_400


def aged(path: Path, days: float, size: int = 10) -> Path:
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - days * DAY_S,) * 2)
    return path


def test_what_was_saved_is_loaded(tmp_path: Path):
    path = tmp_path / "new" / "file"
    cache.save(path, b"kind", b"version", b"payload")
    assert cache.load(path, b"kind", b"version") == b"payload"
    assert cache.load(path, b"other", b"version") is None
    assert cache.load(path, b"kind", b"versiom") is None
    assert [one.name for one in path.parent.iterdir()] == ["file"]


def test_what_nobody_asked_for_in_a_long_time_goes(tmp_path: Path):
    old, new = aged(tmp_path / "old", 100), aged(tmp_path / "new", 80)
    cache.tidy(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_of_too_much_the_oldest_go(tmp_path: Path):
    paths = [aged(tmp_path / str(days), days, size=100) for days in range(5)]
    cache.tidy(tmp_path, most_bytes=250)
    assert [path.exists() for path in paths] == [True, True, False, False, False]


def test_what_is_asked_for_stays(tmp_path: Path):
    path = tmp_path / "file"
    cache.save(path, b"kind", b"v", b"payload")
    os.utime(path, (time.time() - 100 * DAY_S,) * 2)
    assert cache.load(path, b"kind", b"v") is not None
    cache.tidy(tmp_path)
    assert path.exists()


def test_links_and_folders_are_left_alone(tmp_path: Path):
    target = aged(tmp_path / "target", 0)
    place = tmp_path / "cache"
    (place / "folder").mkdir(parents=True)
    (place / "link").symlink_to(target)
    cache.tidy(place, most_bytes=0)
    assert target.exists()
    assert sorted(path.name for path in place.iterdir()) == ["folder", "link"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    cache.save(tmp_path / "file", b"kind", b"v", b"payload")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_looked_at_holds_nothing(tmp_path: Path):
    path = tmp_path / ("x" * 1_000) / "file"
    assert packed_cache.load(path, b"kind", msgspec.msgpack.Decoder(int)) is None
    packed_cache.save(path, b"kind", 1)


def test_code_that_changed_since_the_process_began_neither_loads_nor_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "file"
    decoder = msgspec.msgpack.Decoder(int)
    packed_cache.save(path, b"kind", 1)
    assert packed_cache.load(path, b"kind", decoder) == 1
    cache.code_version.cache_clear()
    monkeypatch.setattr(cache, "_BEGAN_NS", 0)
    assert cache.code_version() == b""
    assert packed_cache.load(path, b"kind", decoder) is None
    packed_cache.save(path, b"kind", 2)
    cache.code_version.cache_clear()
    monkeypatch.undo()
    assert packed_cache.load(path, b"kind", decoder) == 1
