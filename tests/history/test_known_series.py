"""What is known of a series changes how long a report takes, and nothing else."""

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from tbp.history import judge_series, known_series
from tbp.history.judge_series import SeriesFindings
from tbp.model.changes import Change, History
from tbp.project.asv_config import configuration
from tbp.report.site import load
from tbp.report.site.build import write_site
from tbp.report.site.load import report_data
from tbp.system.store import FILE, Store

from ..result_folders import write_result

BENCHMARKS = ("suite.time_one", "suite.time_two", "other.track_three")

Build = Callable[[], dict[str, bytes]]


def store(results: Path, place: int, machine: str = "box", factor: float = 1.0) -> Path:
    """One run of three benchmarks; the first is slower from the 30th commit on."""
    dice = random.Random(place)
    values = {name: dice.gauss(1.0, 0.01) * factor for name in BENCHMARKS}
    values["suite.time_one"] *= 1.2 if place >= 30 else 1.0
    rows = {name: [[value], [], "1"] for name, value in values.items()}
    return write_result(results, f"{place:08x}" * 5, rows, place, machine, params={"machine": machine, "cpu": "A"})


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two machines with 60 and 25 commits."""
    folder = tmp_path / "results"
    for place in range(60):
        store(folder, place)
    for place in range(25):
        store(folder, place, "second", 1.5)
    return folder


@pytest.fixture
def cached(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the store, for which few runs are worth it."""
    monkeypatch.setattr(known_series, "WORTH_RUNS", 0)
    return store_folder


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs each series has that was really judged."""
    seen: list[int] = []
    real = judge_series.judged
    monkeypatch.setattr(
        judge_series, "judged", lambda asked, found: (seen.append(len(asked.points)), real(asked, found))[1]
    )
    return seen


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Every file of the site of ``results``, with a fresh copy of it in a new folder each time."""
    number = iter(range(100))

    def built() -> dict[str, bytes]:
        out = tmp_path / f"site{next(number)}"
        data = load.report_data(None, tmp_path / "results")
        write_site(data, out)
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}

    return built


@pytest.fixture
def cold(build: Build, monkeypatch: pytest.MonkeyPatch) -> Build:
    """The same without a cache."""

    def built() -> dict[str, bytes]:
        with monkeypatch.context() as patch:
            patch.setenv("TBP_NO_CACHE", "1")
            return build()

    return built


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
    [('"cpu": "A"', '"cpu": "B"'), ('"requirements": {}', '"requirements": {"numpy": "2"}'), ('[], "1"]', '[], "2"]')],
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


def test_a_lost_store_costs_time_only(results: Path, cached: Path, judged: list[int], build: Build):
    first = build()
    (cached / FILE).write_bytes(b"SQLite format 3" + bytes(1_000))
    judged.clear()
    assert build() == first
    assert len(judged) == 6


def test_what_does_not_fit_the_series_is_not_believed(
    results: Path, cached: Path, judged: list[int], build: Build, monkeypatch: pytest.MonkeyPatch
):
    """Values that nobody can have written."""
    first = build()
    keys: list[bytes] = []
    digests = known_series.digests
    monkeypatch.setattr(known_series, "digests", lambda series: keys.extend(digests(series)) or digests(series))
    build()
    wrong = SeriesFindings((Change(1000, 1.0, 2.0, 0.0, True),), (), 0.1)
    for content in (msgspec.msgpack.encode(wrong), msgspec.msgpack.encode({"other": 1}), b"\xc1", b""):
        Store("series").keep(dict.fromkeys(keys, content))
        judged.clear()
        assert build() == first
        assert len(judged) == 6


def test_builds_at_the_same_time_do_not_disturb_each_other(results: Path, cached: Path):
    def histories(_: int) -> str:
        return repr(report_data(None, results).histories)  # NaN equals NaN there

    with ThreadPoolExecutor(8) as pool:
        built = list(pool.map(histories, range(16)))
    assert len(set(built)) == 1


def test_a_small_folder_is_not_worth_it(results: Path, cached: Path, build: Build, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known_series, "WORTH_RUNS", 1000)
    build()
    assert not cached.exists()


def test_several_processes_judge_as_one(results: Path, cold: Build, monkeypatch: pytest.MonkeyPatch):
    first = cold()
    monkeypatch.setattr(known_series, "SERIES_S", 10.0)
    monkeypatch.setattr(known_series, "BATCH_RUNS", 50)
    assert cold() == first
