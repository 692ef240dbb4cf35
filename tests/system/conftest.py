"""A results folder that can grow, and the site that is built of it with a cache of the test's own."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.history import judge_series, known_series
from tbp.report.site import load
from tbp.report.site.build import write_site

BENCHMARKS = ("suite.time_one", "suite.time_two", "other.track_three")

Build = Callable[[], dict[str, bytes]]


def store(results: Path, place: int, machine: str = "box", factor: float = 1.0) -> Path:
    """One run of three benchmarks; the first is slower from the 30th commit on."""
    dice = random.Random(place)
    commit = f"{place:08x}" * 5
    values = {name: dice.gauss(1.0, 0.01) * factor for name in BENCHMARKS}
    values["suite.time_one"] *= 1.2 if place >= 30 else 1.0
    content = {
        "version": 2, "commit_hash": commit, "env_name": "env", "date": 1_700_000_000_000 + place * 86_400_000,
        "params": {"machine": machine, "python": "3.11", "cpu": "A"}, "python": "3.11", "requirements": {},
        "env_vars": {}, "result_columns": ["result", "params", "version"], "durations": {},
        "results": {name: [[value], [], "1"] for name, value in values.items()},
    }  # fmt: skip
    path = results / machine / f"{commit[:8]}-env.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


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
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache, switched on and worth it."""
    monkeypatch.delenv("TBP_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(known_series, "WORTH_RUNS", 0)
    return tmp_path / "cache" / "tbp"


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
