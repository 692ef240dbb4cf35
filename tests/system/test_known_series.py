"""What is remembered of a series changes how long a report takes, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from tbp.history import known_series
from tbp.model.changes import Change, History
from tbp.project.asv_config import configuration
from tbp.report.site.load import report_data
from tbp.system import cache

from .conftest import Build, store


def kept(cached: Path) -> Path:
    (path,) = cached.glob("series-*")
    return path


def test_what_did_not_change_is_not_judged_again(results: Path, cached: Path, judged: list[int], build: Build):
    first = build()
    assert sorted(judged) == [25] * 3 + [60] * 3
    judged.clear()
    assert build() == first
    assert judged == []


def test_a_new_result_costs_its_own_series_only(
    results: Path, cached: Path, judged: list[int], build: Build, cold: Build
):
    build()
    store(results, 25, "second", 1.5)
    judged.clear()
    warm = build()
    assert judged == [26] * 3
    assert warm == cold()


def test_a_removed_result_is_gone(results: Path, cached: Path, judged: list[int], build: Build, cold: Build):
    build()
    (results / "second" / f"{7:08x}-env.json").unlink()
    judged.clear()
    warm = build()
    assert judged == [24] * 3
    assert warm == cold()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"cpu": "A"', '"cpu": "B"'),
        ('"requirements": {}', '"requirements": {"numpy": "2"}'),
        ('[], "1"]', '[], "2"]'),
    ],
)
def test_what_a_run_was_measured_with_counts(
    results: Path, cached: Path, judged: list[int], build: Build, cold: Build, old: str, new: str
):
    build()
    for place in range(30, 60):
        path = results / "box" / f"{place:08x}-env.json"
        path.write_text(path.read_text().replace(old, new))
    judged.clear()
    warm = build()
    assert judged == [60] * 3
    assert warm == cold()


def test_another_policy_is_another_judgement(tmp_path: Path, results: Path, cached: Path, judged: list[int]):
    config = tmp_path / "asv.conf.json"
    config.write_text(json.dumps({"version": 1, "project": "p", "repo": ".", "results_dir": "results"}))

    def regressed() -> list[History]:
        return [own for own in report_data(configuration(config, None), None).histories if own.standing is not None]

    assert len(regressed()) == 1
    (tmp_path / "pyproject.toml").write_text("[tool.tbp]\nrelevant = 0.5\n")
    judged.clear()
    assert regressed() == []
    assert len(judged) == 6
    (tmp_path / "pyproject.toml").write_text('[tool.tbp]\n[tool.tbp.better]\n"time_one" = "higher"\n')
    assert regressed()[0].state == "improvement"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
        lambda data: data.replace(b"tbp series", b"tbp sirees"),
        lambda data: os.urandom(1000),
    ],
)
def test_a_damaged_file_is_written_anew(
    results: Path, cached: Path, judged: list[int], build: Build, damage: Callable[[bytes], bytes]
):
    first = build()
    whole = kept(cached).read_bytes()
    kept(cached).write_bytes(damage(whole))
    judged.clear()
    assert build() == first
    assert len(judged) == 6
    assert kept(cached).read_bytes() == whole


def test_what_does_not_fit_the_series_is_not_believed(results: Path, cached: Path, judged: list[int], build: Build):
    """A whole file with entries that nobody can have written."""
    first = build()
    payload = cache.load(kept(cached), b"series", cache.code_version())
    assert payload is not None
    moved = known_series._DECODER.decode(payload)
    wrong = {**moved, next(iter(moved)): known_series.SeriesFindings((Change(1000, 1.0, 2.0, 0.0, True),), (), 0.1)}
    for content in (msgspec.msgpack.encode(wrong), msgspec.msgpack.encode({"other": 1}), b"\xc1"):
        cache.save(kept(cached), b"series", cache.code_version(), content)
        assert build() == first


def test_another_version_of_tbp_judges_for_itself(
    results: Path, cached: Path, judged: list[int], build: Build, monkeypatch: pytest.MonkeyPatch
):
    first = build()
    monkeypatch.setattr(cache, "code_version", lambda: b"another version!")
    judged.clear()
    assert build() == first
    assert len(judged) == 6


def test_only_the_series_of_the_newest_build_are_kept(results: Path, cached: Path, build: Build):
    build()
    size = kept(cached).stat().st_size
    for path in (results / "second").iterdir():
        path.unlink()
    build()
    assert kept(cached).stat().st_size < size


def test_builds_at_the_same_time_do_not_disturb_each_other(results: Path, cached: Path):
    def found(_: int) -> str:
        return repr(report_data(None, results).histories)  # NaN equals NaN there

    with ThreadPoolExecutor(8) as pool:
        built = list(pool.map(found, range(16)))
    assert all(own == built[0] for own in built)
    assert len(list(cached.glob("series-*"))) == 1


def test_a_cache_that_cannot_be_written_is_none(
    tmp_path: Path, results: Path, cached: Path, judged: list[int], build: Build
):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert build() == build()
    assert len(judged) == 12


def test_it_can_be_switched_off(tmp_path: Path, results: Path, cached: Path, judged: list[int], cold: Build):
    assert cold() == cold()
    assert len(judged) == 12
    assert not (tmp_path / "cache").exists()


def test_a_small_folder_is_not_worth_it(results: Path, cached: Path, build: Build, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known_series, "WORTH_RUNS", 1000)
    build()
    assert list(cached.glob("series-*")) == []
