"""Every point as a line of CSV, whatever names are like."""

import csv
import gzip
import io
import math

import pytest

from tbp.model.changes import State
from tbp.report.data import points_csv
from tbp.report.data.points_csv import COLUMNS, points, points_file

from ...histories import HOSTILE

NAN = math.nan


def rows(data) -> list[dict[str, str]]:
    text = b"".join(make() for make in points(data)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_point_is_a_line_with_its_unit(make_history, make_report) -> None:
    found = rows(make_report(make_history((0.001, NAN, 0.0012), State.NO_CHANGE)))
    assert tuple(found[0]) == COLUMNS
    assert [(row["commit"][:8], row["outcome"], row["value"], row["unit"]) for row in found] == [
        ("00c0ffee", "measured", "0.001", "seconds"),
        ("01c0ffee", "failed", "", "seconds"),
        ("02c0ffee", "measured", "0.0012", "seconds"),
    ]
    assert found[0]["date"] == "2026-05-01T12:00:00+00:00"
    assert found[0]["sessions"] == "2"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_in_their_cells(make_history, make_report, text: str) -> None:
    own = make_history((1.0,), State.NO_CHANGE, benchmark=text, parameters=((text, text),), machine=text, unit=text)
    (row,) = rows(make_report(own))
    assert set(row) == set(COLUMNS)
    assert row["outcome"] == "measured"


def test_a_negative_number_is_a_number(make_history, make_report) -> None:
    assert rows(make_report(make_history((-2.5,), State.NO_CHANGE)))[0]["value"] == "-2.5"


def test_many_points_are_compressed_and_the_same_each_time(make_history, make_report, monkeypatch) -> None:
    data = make_report(make_history((1.0,) * 9, State.NO_CHANGE))
    plain = b"".join(make() for make in points(data))
    assert points_file(data) == "points.csv"
    monkeypatch.setattr(points_csv, "MOST_PLAIN", 8)
    assert points_file(data) == "points.csv.gz"
    packed = b"".join(make() for make in points(data))
    assert gzip.decompress(packed) == plain
    assert packed == b"".join(make() for make in points(data))


@pytest.mark.parametrize("most_plain", [1000, 8])
def test_pieces_are_the_same_points(make_history, make_report, monkeypatch, most_plain: int) -> None:
    data = make_report(*(make_history((1.0 + place,) * 9, State.NO_CHANGE, machine=f"m{place}") for place in range(5)))
    (whole,) = points(data)
    monkeypatch.setattr(points_csv, "MOST_PLAIN", most_plain)
    monkeypatch.setattr(points_csv, "BATCH_RUNS", 10)
    pieces = [make() for make in points(data)]
    assert len(pieces) > 2
    assert b"".join(map(gzip.decompress, pieces) if most_plain == 8 else pieces) == whole()
