"""Ratios beside asv's results: what a night adds, the next one reads, whatever happened to the files."""

import json
from pathlib import Path

import pytest

from tbp.asv.ratios import END, Ratio, add_ratios, read_ratios
from tbp.model.series import SeriesKey

KEY = SeriesKey("suite.time_it", (("n", "1"),), "box", "py3.11")
NIGHT = Ratio("a" * 40, "b" * 40, (0.1, 0.12))
FRESH = Ratio("a" * 40, "b" * 40, (0.11,), is_fresh=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    return tmp_path


def test_what_was_added_is_read(folder: Path):
    other = SeriesKey("suite.time_it", (("n", "2"),), "box", "py3.11")
    add_ratios(folder, [(KEY, NIGHT), (other, NIGHT)])
    add_ratios(folder, [(KEY, FRESH)])
    assert read_ratios(folder).of == {KEY: (NIGHT, FRESH), other: (NIGHT,)}
    assert [path.name for path in folder.rglob("*.*")] == [f"bbbbbbbb-py3.11{END}"]


def test_a_folder_without_any_has_none(tmp_path: Path):
    assert read_ratios(tmp_path).of == read_ratios(tmp_path / "none").of == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it holds no ratios"),
        (b"[1]", "it holds no ratios"),
        (b'{"format": 2, "machine": "box", "environment": "py3.11", "cells": []}', "it has format 2"),
        (b"\xff\xfe", "it holds no ratios"),
    ],
)
def test_a_damaged_file_is_named_and_the_others_are_read(folder: Path, content: bytes, said: str):
    add_ratios(folder, [(KEY, NIGHT)])
    (folder / "box" / f"cccccccc-py3.11{END}").write_bytes(content)
    found = read_ratios(folder)
    assert found.of == {KEY: (NIGHT,)}
    (problem,) = found.problems
    assert said in problem
    assert problem.endswith("delete it, and the next night measures in turns again")


def test_a_field_more_is_passed_over(folder: Path):
    add_ratios(folder, [(KEY, NIGHT)])
    (path,) = folder.rglob(f"*{END}")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"new": 1}))
    assert read_ratios(folder).of == {KEY: (NIGHT,)}


def test_an_effect_that_is_no_number_is_no_ratio(folder: Path):
    add_ratios(folder, [(KEY, NIGHT)])
    (path,) = folder.rglob(f"*{END}")
    path.write_text(path.read_text().replace("0.12", "1e300"))
    assert read_ratios(folder).of == {}


def test_a_long_name_of_an_environment_is_its_digest(folder: Path):
    key = SeriesKey("suite.time_it", (), "box", "e" * 300)
    add_ratios(folder, [(key, NIGHT)])
    assert read_ratios(folder).of == {key: (NIGHT,)}
