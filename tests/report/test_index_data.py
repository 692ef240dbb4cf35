"""The index stays small, and what its script adds says what the page would have said."""

from __future__ import annotations

import gzip
import json
import math
import random
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, State
from tbp.model.series import Commit, Outcome, Point
from tbp.report.base.render import Frame, main_html, script_call
from tbp.report.pages.index.data import index_data
from tbp.report.pages.index.page import summary
from tbp.report.parts import sparkline


def many(make_history, benchmarks: int, series: int, changed: float = 0.1):
    """Benchmarks of plausible names, each with as many series of 100 runs; a tenth changed."""
    chance = random.Random(3)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    subjects = ("Fuse the mask into attention", "Update dependencies", "Read files in one go", "Tidy the docs")
    commits = [
        Commit(f"{chance.getrandbits(160):040x}", start + timedelta(hours=8 * place), chance.choice(subjects))
        for place in range(100)
    ]
    found = []
    for number in range(benchmarks * series):
        level, factor = 10 ** chance.uniform(-6, 0), chance.choice((0.8, 1.05, 1.3))
        at = chance.randrange(10, 95) if chance.random() < changed else len(commits)
        values = [level * (factor if i >= at else 1) * math.exp(chance.gauss(0, 0.02)) for i in range(100)]
        points = [Point(commit, Outcome.MEASURED, value) for commit, value in zip(commits, values, strict=True)]
        is_changed = at < len(commits)
        what = Change(at, level, level * factor, 0.0001, True, low=factor - 1.01, high=factor - 0.99)
        own = make_history(
            (1.0,),
            (State.REGRESSION if factor > 1 else State.IMPROVEMENT) if is_changed else State.NO_CHANGE,
            benchmark=f"suite_{number // series % 20}.Layer{number // series}.time_forward",
            parameters=(("variant", "sdpa"), ("length", str(number % series))) if series > 1 else (),
            changes=(ChangeEvidence(what),) if is_changed else (),
        )
        found.append(replace(own, points=tuple(points)))
    return found


def sizes(data) -> tuple[bytes, bytes]:
    found = summary(data)
    page = main_html("index.html", found, Frame("example", "2026-05-01 12:00 UTC", "1.0")).encode()
    return page, script_call("tbp.index", index_data(found)).encode()


def test_the_index_of_300_benchmarks_is_small_with_its_data(make_history, make_report) -> None:
    page, data = sizes(make_report(*many(make_history, 300, 1)))
    assert len(page) + len(data) < 200_000
    assert len(gzip.compress(page)) + len(gzip.compress(data)) < 40_000


def test_the_index_of_300_benchmarks_of_three_series_is_small(make_history, make_report) -> None:
    page, data = sizes(make_report(*many(make_history, 300, 3)))
    assert len(page) < 200_000
    assert len(gzip.compress(page)) < 40_000
    assert len(data) < 900 * 200


def test_quiet_series_cost_the_script_little(make_history, make_report) -> None:
    quiet = [make_history((1.0,) * 40, State.NO_CHANGE, benchmark=f"b.time_{place}") for place in range(100)]
    _, data = sizes(make_report(*quiet))
    assert len(data) < 100 * 180 + 1000


def test_every_series_is_in_the_data_in_the_order_of_the_rows(make_history, make_report) -> None:
    data = make_report(make_history((1.0, 1.0), State.NO_CHANGE, benchmark="a.b"), make_history())
    found = json.loads(json.dumps(index_data(summary(data))))
    names = [found["benchmarks"][own[0]][0] for own in found["series"]]
    states = [found["states"][own[4]][0] for own in found["series"]]
    assert names == ["attention.Quick.torchtime_step", "a.b"]
    assert states == ["regression", "no_change"]
    commit = found["series"][0][12]
    assert found["commits"][commit - 1][:2] == ["03c0ffee", data.histories[1].points[3].commit.hash]


def test_changes_say_where_they_went_and_what_moved_has_its_newest_value(make_history, make_report) -> None:
    at = [ChangeEvidence(Change(*one, 0.001, True)) for one in ((1, 1.0, 2.0), (3, 2.0, 0.5))]
    moved = make_history((1.0, 2.0, 2.0, 0.5, 0.51), State.REGRESSION, changes=tuple(at), benchmark="a.b")
    quiet = make_history((1.0, 1.02), State.NO_CHANGE)
    found = index_data(summary(make_report(moved, quiet)))["series"]
    assert (found[0][5], found[0][16], found[0][17]) == ("510 ms", [1, -4], ["1.00 s", "500 ms", "−500 ms"])
    assert found[1][5] == "1.02 s"
    assert len(found[1]) < 16


def test_a_line_survives_its_letters(make_history) -> None:
    spark = sparkline.sparkline(make_history((1.0, math.nan, 2.0, 3.0, 1.5)))
    codes = [None if letter == " " else ord(letter) - 65 - (ord(letter) > 91) for letter in spark.code]
    assert tuple(codes) == spark.levels
    letters = {sparkline.Sparkline((level,)).code for level in range(sparkline.LEVELS + 1)}
    assert len(letters) == sparkline.LEVELS + 1
    assert not letters & set('\\"<>& ')
