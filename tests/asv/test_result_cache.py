"""What is kept of result files changes how long reading takes, and nothing else."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest

from tbp.asv import result_cache
from tbp.asv.results import Results, read_results
from tbp.system.store import FILE, Store

from ..result_frames import rows_of

Writer = Callable[..., Path]
Reader = Callable[..., tuple[Results, list[str]]]
WORTH_BYTES = result_cache.WORTH_BYTES


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Read the folder and name the files that were parsed."""
    monkeypatch.delenv("TBP_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(result_cache, "WORTH_BYTES", 0)
    parsed: list[str] = []
    result_file = result_cache.result_file

    def noted(name: str, *arguments: Any) -> Any:
        parsed.append(name)
        return result_file(name, *arguments)

    monkeypatch.setattr(result_cache, "result_file", noted)

    def read_again(cache: bool = True) -> tuple[Results, list[str]]:
        parsed.clear()
        return read_results(tmp_path / "results", cache=cache), list(parsed)

    return read_again


def assert_same(one: Results, other: Results) -> None:
    pd.testing.assert_frame_equal(one.frame, other.frame)
    assert (one.machines, one.problems, one.left_out) == (other.machines, other.problems, other.left_out)


@pytest.fixture
def two_files(result_file: Writer) -> Path:
    result_file("a", {"time_it": [[1.0, float("nan")], [["1", "2"]], "v", 1, 1, None, None, [0.9], [1.1], [3]]})
    return result_file("b", {"time_it": [[3.0, None], [["1", "2"]], "v"], "time_odd": [[1.0], [["1", "2"]]]}, day=1)


def test_a_second_reading_parses_new_files_only(read: Reader, two_files: Path, result_file: Writer):
    first, parsed = read()
    assert parsed == ["aaaaaaaa-env.json", "bbbbbbbb-env.json"]
    second, parsed = read()
    assert parsed == []
    assert_same(first, second)
    assert "time_odd has 1 results for 2" in second.problems[0]
    result_file("c", {"time_other": [[3.0], []]}, day=2)
    third, parsed = read()
    assert parsed == ["cccccccc-env.json"]
    assert_same(third, read(cache=False)[0])


def test_a_changed_file_is_parsed_again(read: Reader, two_files: Path):
    """Of the same size, and with its old time of modification."""
    read()
    stat = two_files.stat()
    two_files.write_text(two_files.read_text().replace("3.0", "4.0"))
    os.utime(two_files, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    found, parsed = read()
    assert parsed == [two_files.name]
    assert 4.0 in found.frame["value"].tolist()


def test_what_is_gone_is_not_read(read: Reader, two_files: Path):
    read()
    two_files.unlink()
    found, parsed = read()
    assert (parsed, len(found.frame)) == ([], 2)


def test_units_are_those_of_today(read: Reader, two_files: Path):
    read()
    (two_files.parent.parent / "benchmarks.json").write_text(
        json.dumps({"time_it": {"unit": "ms", "param_names": ["n"], "type": "time"}})
    )
    found, parsed = read()
    row: Any = rows_of(found)[0]
    assert (parsed, row.unit, row.parameters) == ([], "ms", (("n", "1"),))


def test_a_file_that_cannot_be_used_is_named_every_time(read: Reader, two_files: Path):
    two_files.write_bytes(b"{")
    first, _ = read()
    second, parsed = read()
    assert parsed == [two_files.name]
    assert_same(first, second)
    assert first.left_out == 1


def test_equal_bytes_of_two_machines_are_two_runs(read: Reader, result_file: Writer):
    """Without a machine in the file its folder names the machine."""
    path = result_file("a", {"time_it": [[1.0], []]}, params={})
    (path.parent.parent / "other").mkdir()
    (path.parent.parent / "other" / path.name).write_bytes(path.read_bytes())
    for _ in range(2):
        found, _ = read()
        assert found.frame["machine"].tolist() == ["box", "other"]


def entries(folder: Path) -> Iterator[tuple[bytes, Any]]:
    for path in (folder / "results").glob("*/*.json"):
        key = result_cache.result_key(path, path.read_bytes())
        yield key, Store(result_cache.NAMESPACE).known([key])[key]


@pytest.mark.parametrize(
    "damage",
    [
        lambda payload: b"",
        lambda payload: payload[:-1],
        lambda payload: b"\x93",
        lambda payload: msgspec.msgpack.encode(msgspec.msgpack.decode(payload) | {"counts": b"1234567"}),
        lambda payload: msgspec.msgpack.encode(msgspec.msgpack.decode(payload) | {"counts": b"\xff" * 8}),
        lambda payload: msgspec.msgpack.encode(msgspec.msgpack.decode(payload) | {"value": b""}),
    ],
)
def test_what_is_kept_in_another_shape_is_parsed_again(
    read: Reader, two_files: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
):
    first, _ = read()
    Store(result_cache.NAMESPACE).keep({key: damage(payload) for key, payload in entries(tmp_path)})
    second, parsed = read()
    assert len(parsed) == 2
    assert_same(first, second)
    assert read()[1] == []


def test_the_results_folder_is_left_alone(read: Reader, two_files: Path, tmp_path: Path):
    before = sorted((tmp_path / "results").rglob("*"))
    read()
    assert sorted((tmp_path / "results").rglob("*")) == before


def test_it_can_be_switched_off(read: Reader, two_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read(cache=False)
    monkeypatch.setenv("TBP_NO_CACHE", "1")
    read()
    assert not (tmp_path / "cache").exists()


def test_a_small_folder_is_not_worth_it(read: Reader, two_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(result_cache, "WORTH_BYTES", WORTH_BYTES)
    read()
    assert not (tmp_path / "cache").exists()
    monkeypatch.setattr(result_cache, "WORTH_BYTES", 100)
    read()
    assert [path.name for path in (tmp_path / "cache" / "tbp").iterdir()] == [FILE]


def test_several_processes_read_what_one_reads(result_file: Writer, monkeypatch: pytest.MonkeyPatch):
    # Each file has benchmarks of its own, in another order.
    for place, letter in enumerate("abcdefgh"):
        rows = {f"time_{name}": [[1.0 + place], [], f"v{place // 3}"] for name in letter + "xy"}
        path = result_file(letter, dict(reversed(rows.items())) if place % 2 else rows, day=place)
    path.write_bytes(path.read_bytes()[:-5])
    folder = path.parent.parent
    alone = read_results(folder)
    monkeypatch.setattr(result_cache, "FILE_S", 100.0)
    monkeypatch.setattr(result_cache, "BATCH_BYTES", 1)
    several = read_results(folder)
    assert len(alone.frame) == 7 * 3
    assert_same(several, alone)
    assert "cannot be read as JSON" in alone.problems[0]


def test_only_files_of_a_machine_s_folder_are_results(result_file: Writer):
    path = result_file("a", {"time_it": [[1.0], []]})
    deeper = path.parent / "aaaaaaaa-env.traces"
    deeper.mkdir()
    (deeper / "bbbbbbbb-env.json").write_text("{")
    (path.parent.parent / "cccccccc-env.json").write_text("{")
    found = read_results(path.parent.parent)
    assert (len(found.frame), found.problems) == (1, ())
