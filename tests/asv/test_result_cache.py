"""The cache changes how long reading takes, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from tbp.asv import result_cache, result_folder
from tbp.asv.result_cache import cache_file
from tbp.asv.result_frame import frame
from tbp.asv.results import Results, read_results
from tbp.errors import NothingMeasured
from tbp.report.site import unchanged
from tbp.system import cache

Writer = Callable[..., Path]
HOUR_NS = 3_600_000_000_000
WORTH_BYTES = result_folder.WORTH_BYTES


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Results, list[str]]]:
    """Read the folder and say which files were really opened."""
    monkeypatch.delenv("TBP_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(result_folder, "WORTH_BYTES", 0)
    monkeypatch.setattr(unchanged, "SETTLED_NS", -HOUR_NS)  # the tests' files are brand new
    opened: list[str] = []
    content = result_folder._content
    monkeypatch.setattr(
        result_folder, "_content", lambda path, size: (opened.append(Path(path).name), content(path, size))[1]
    )

    def read_again(cache: bool = True) -> tuple[Results, list[str]]:
        opened.clear()
        return read_results(tmp_path / "results", cache=cache), list(opened)

    return read_again


Reader = Callable[..., tuple[Results, list[str]]]


def kept(folder: Path) -> Path:
    (path,) = (folder / "cache" / "tbp").iterdir()
    return path


def headed(payload: bytes) -> bytes:
    """The head of a whole file with this content."""
    return cache._head(result_cache._KIND, result_cache._VERSION, payload)


def same(one: Results, other: Results) -> bool:
    pd.testing.assert_frame_equal(frame(one.points), frame(other.points))
    return (one.machines, one.problems) == (other.machines, other.problems)


@pytest.fixture
def two_files(result_file: Writer) -> Path:
    result_file("a", {"time_it": [[1.0, float("nan")], [["1", "2"]], "v", 1, 1, None, None, [0.9], [1.1], [3]]})
    return result_file("b", {"time_it": [[3.0, None], [["1", "2"]], "v"], "time_odd": [[1.0], [["1", "2"]]]}, day=1)


def test_a_second_reading_opens_new_files_only(read: Reader, two_files: Path, result_file: Writer):
    first, opened = read()
    assert opened == ["aaaaaaaa-env.json", "bbbbbbbb-env.json"]
    second, opened = read()
    assert opened == []
    assert same(first, second)
    assert "time_odd has 1 results for 2" in second.problems[0]
    result_file("c", {"time_other": [[3.0], []]}, day=2)
    third, opened = read()
    assert opened == ["cccccccc-env.json"]
    assert same(third, read(cache=False)[0])


def test_a_changed_file_is_read_again(read: Reader, two_files: Path):
    """Of the same size, and with its old time of modification."""
    read()
    stat = two_files.stat()
    two_files.write_text(two_files.read_text().replace("3.0", "4.0"))
    os.utime(two_files, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    found, opened = read()
    assert opened == [two_files.name]
    assert 4.0 in found.points.value.tolist()


def test_a_file_that_has_just_changed_is_not_kept(read: Reader, two_files: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unchanged, "SETTLED_NS", HOUR_NS)
    read()
    assert len(read()[1]) == 2


def test_what_is_gone_is_forgotten(read: Reader, two_files: Path, tmp_path: Path):
    read()
    size = kept(tmp_path).stat().st_size
    two_files.unlink()
    found, opened = read()
    assert (opened, len(found.points)) == ([], 2)
    assert kept(tmp_path).stat().st_size < size
    assert b"time_odd" not in kept(tmp_path).read_bytes()
    assert same(found, read()[0])


def test_units_are_those_of_today(read: Reader, two_files: Path):
    read()
    (two_files.parent.parent / "benchmarks.json").write_text(
        json.dumps({"time_it": {"unit": "ms", "param_names": ["n"], "type": "time"}})
    )
    found, opened = read()
    value = next(found.values())
    assert (opened, value.unit, value.parameters) == ([], "ms", (("n", "1"),))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        lambda data: data.replace(b"cache\n%d" % result_cache.PARSER, b"cache\n0"),
        lambda data: os.urandom(1000),
        lambda data: headed(b"\x93") + b"\x93",
        lambda data: headed(b"[]") + b"[]",
    ],
)
def test_a_damaged_cache_is_rebuilt(read: Reader, two_files: Path, tmp_path: Path, damage: Callable[[bytes], bytes]):
    first, _ = read()
    whole = kept(tmp_path).read_bytes()
    kept(tmp_path).write_bytes(damage(whole))
    second, opened = read()
    assert len(opened) == 2
    assert same(first, second)
    assert kept(tmp_path).read_bytes() == whole


@pytest.mark.parametrize("part", ["grid", "count", "cell"])
def test_arrays_that_do_not_fit_each_other_are_not_trusted(read: Reader, two_files: Path, tmp_path: Path, part: str):
    read()
    cached = result_cache.load(kept(tmp_path), tmp_path / "results")
    name, entry = next(iter(cached.entries.items()))
    wrong = result_cache.msgspec.structs.replace(entry.file, **{part: b"\xff\xff\xff\x00" * 2})
    changed = result_cache.Cached(cached.folder, cached.grids, {name: result_cache.Entry(entry.identity, wrong)})
    payload = result_cache.msgspec.msgpack.encode(changed)
    kept(tmp_path).write_bytes(headed(payload) + payload)
    assert len(read()[1]) == 2


def test_a_cache_that_cannot_be_written_is_none(read: Reader, two_files: Path, tmp_path: Path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert len(read()[1]) == 2
    assert len(read()[1]) == 2


def test_a_full_disk_leaves_nothing_behind(
    read: Reader, two_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert len(read()[1]) == 2
    assert list((tmp_path / "cache" / "tbp").iterdir()) == []


def test_readers_at_the_same_time_do_not_disturb_each_other(read: Reader, two_files: Path, tmp_path: Path):
    expected, _ = read(cache=False)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read_results(tmp_path / "results"), range(32)))
    assert all(same(own, expected) for own in found)
    assert len(list((tmp_path / "cache" / "tbp").iterdir())) == 1


def test_the_results_folder_is_left_alone(read: Reader, two_files: Path, tmp_path: Path):
    before = sorted((tmp_path / "results").rglob("*"))
    read()
    assert sorted((tmp_path / "results").rglob("*")) == before


def test_it_can_be_switched_off(read: Reader, two_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read(cache=False)
    monkeypatch.setenv("TBP_NO_CACHE", "1")
    read()
    assert not (tmp_path / "cache").exists()
    assert cache_file(tmp_path) is None


def test_a_small_folder_is_not_worth_it(read: Reader, two_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(result_folder, "WORTH_BYTES", WORTH_BYTES)
    read()
    assert not (tmp_path / "cache").exists()


def test_two_folders_do_not_share(read: Reader, two_files: Path, tmp_path: Path):
    read()
    other = tmp_path / "other"
    (other / "box").mkdir(parents=True)
    with pytest.raises(NothingMeasured):
        read_results(other)
    assert cache_file(other) != cache_file(tmp_path / "results")
