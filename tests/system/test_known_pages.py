"""Pages that stand are not made again, and a site with them is the one without."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tbp.report.base.report_data import ReportData
from tbp.report.pages.benchmark import files
from tbp.report.parts import addresses
from tbp.report.site import load
from tbp.report.site.build import write_site
from tbp.report.site.digests import digest
from tbp.report.site.known_pages import KnownPages, Made
from tbp.system import cache

from .conftest import store

Report = Callable[[], dict[str, bytes]]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def report(tmp_path: Path, out: Path) -> Report:
    """Every file of the site of ``results``, built where it was built before."""

    def built() -> dict[str, bytes]:
        data = load.report_data(None, tmp_path / "results")
        write_site(data, out)
        return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}

    return built


@pytest.fixture
def afresh(tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch) -> Report:
    """The same into an empty folder and without a cache; what was there is there again afterwards."""

    def built() -> dict[str, bytes]:
        shutil.move(tmp_path / "site", tmp_path / "aside")
        with monkeypatch.context() as patch:
            patch.setenv("TBP_NO_CACHE", "1")
            found = report()
        shutil.rmtree(tmp_path / "site")
        shutil.move(tmp_path / "aside", tmp_path / "site")
        return found

    return built


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The benchmarks whose pages were really made."""
    seen: list[str] = []
    real = files.benchmark_page

    def page(benchmark: str, data: ReportData, *more: object) -> object:
        seen.append(benchmark)
        return real(benchmark, data, *more)

    monkeypatch.setattr(files, "benchmark_page", page)
    return seen


def written(out: Path) -> dict[str, int]:
    return {path.relative_to(out).as_posix(): path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


def test_what_stands_is_neither_made_nor_written_again(
    results: Path, cached: Path, out: Path, drawn: list[str], report: Report
):
    first = report()
    assert len(drawn) == 3
    before = written(out)
    drawn.clear()
    assert report() == first
    assert drawn == []
    assert written(out) == before


@pytest.mark.usefixtures("results")
def test_without_a_cache_only_what_differs_is_written(out: Path, drawn: list[str], report: Report):
    report()
    before = written(out)
    report()
    assert len(drawn) == 6
    assert written(out) == before


def test_a_site_that_grew_is_as_if_built_at_once(results: Path, cached: Path, report: Report, afresh: Report):
    report()
    store(results, 60)
    assert report() == afresh()
    (results / "box" / f"{3:08x}-env.json").unlink()
    assert report() == afresh()
    for path in (results / "second").glob("*.json"):
        path.unlink()
    assert report() == afresh()


def test_another_source_makes_its_own_page_again_and_no_other(
    results: Path, cached: Path, drawn: list[str], report: Report
):
    report()
    [benchmark, *others] = sorted(drawn)
    declared = {name: {"type": "time", "unit": "seconds", "code": ""} for name in drawn}
    (results / "benchmarks.json").write_text(json.dumps(declared))
    first = report()
    drawn.clear()
    declared[benchmark]["code"] = "def track_it(): ..."
    (results / "benchmarks.json").write_text(json.dumps(declared))
    again = report()
    assert b"def track_it(): ..." in again[addresses.page_file(benchmark)]
    assert others
    assert all(again[addresses.page_file(name)] == first[addresses.page_file(name)] for name in others)
    assert drawn == [benchmark]


def test_what_was_changed_or_lost_is_made_again(
    results: Path, cached: Path, out: Path, drawn: list[str], report: Report
):
    first = report()
    page = out / addresses.page_file("other.track_three")
    page.write_bytes(page.read_bytes() + b"!")
    (out / addresses.data_file("suite.time_two")).unlink()
    (out / "index.html").write_bytes((out / "index.html").read_bytes() + b"?")
    drawn.clear()
    assert report() == first
    assert sorted(drawn) == ["other.track_three", "suite.time_two"]


def test_a_page_behind_a_link_is_put_in_its_place(
    results: Path, cached: Path, out: Path, tmp_path: Path, report: Report
):
    first = report()
    page = min(out.glob("benchmarks/*.html"))
    elsewhere = tmp_path / "elsewhere.html"
    shutil.move(page, elsewhere)
    page.symlink_to(elsewhere)
    assert report() == first
    assert not page.is_symlink()


@pytest.mark.parametrize("damage", [b"", b"tbp pages cache\n", b"\x00" * 500])
def test_a_damaged_note_costs_time_only(results: Path, cached: Path, drawn: list[str], report: Report, damage: bytes):
    first = report()
    (note,) = cached.glob("pages-*")
    note.write_bytes(damage)
    drawn.clear()
    assert report() == first
    assert len(drawn) == 3


def test_a_note_of_something_else_is_none(results: Path, cached: Path, drawn: list[str], report: Report):
    first = report()
    (note,) = cached.glob("pages-*")
    for payload in (b"\xc1", b"\x80", b"\x81\xa1a\x01"):
        cache.save(note, b"pages", cache.code_version(), payload)
        drawn.clear()
        assert report() == first
        assert len(drawn) == 3


def test_another_version_of_tbp_makes_its_own_pages(
    results: Path, cached: Path, drawn: list[str], report: Report, monkeypatch: pytest.MonkeyPatch
):
    report()
    monkeypatch.setattr(cache, "code_version", lambda: b"another version!")
    drawn.clear()
    report()
    assert len(drawn) == 3


@dataclass(frozen=True)
class Thing:
    name: str
    size: float = 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        ("1", 1),
        (1, 1.0),
        (True, 1),
        (None, ""),
        (b"a", "b"),
        ((), []),
        (Thing("a"), Thing("b")),
        (Thing("a"), Thing("a", 2.0)),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        (np.array([1.0, 2.0]), np.array([[1.0, 2.0]])),
        (np.array([1]), np.array([1.0])),
        (pd.DataFrame({"a": [1.0], "b": ["x"]}), pd.DataFrame({"a": [1.0], "b": ["y"]})),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
        (float("nan"), 0.0),
    ],
)
def test_what_differs_has_another_digest(one: object, other: object):
    assert digest(one) != digest(other)


def test_equal_values_have_one_digest():
    def made(text: str) -> tuple[object, ...]:
        frame = pd.DataFrame({"a": [1.0, float("nan")], "b": pd.Series([text, None], dtype=object)})
        return Thing(text), frame, {text: [1, 2]}, frozenset({text, "b"}), float("nan"), "\udc80", Path(text)

    assert digest(made("name")) == digest(made("".join(list("name"))))


def test_what_cannot_be_told_apart_is_refused():
    with pytest.raises(TypeError):
        digest(object())
    with pytest.raises(TypeError):
        digest(dataclasses)


def test_a_name_with_half_a_character_is_noted_like_any_other(out: Path, cached: Path) -> None:
    out.mkdir()
    (out / "page.html").write_bytes(b"a page")
    noted = KnownPages(out)
    noted.made("suite.time_\udc80", Made.of(b"key", {"page.html": b"a page"}))
    noted.save()
    assert KnownPages(out).standing("suite.time_\udc80", lambda: b"key") == ("page.html",)
    assert KnownPages(out).standing("suite.time_\udc80", lambda: b"another key") == ()
