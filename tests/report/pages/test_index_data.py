"""The data of the index: small, in the order of the rows, and rows and cards in files of their own."""

import gzip
import json
import math
import random
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, State
from tbp.model.series import Commit, Outcome, Point
from tbp.report.base.render import Frame, main_html, packed_call, script_call
from tbp.report.pages.index import data as data_of_index
from tbp.report.pages.index.data import index_data, index_files
from tbp.report.pages.index.page import summary

from ...packed_data import unpacked


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
    return page, script_call(*packed_call("tbp.index", index_data(found))).encode()


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
    assert len(data) < 100 * 60 + 1000


def test_every_series_is_in_the_data_in_the_order_of_the_rows(make_history, make_report) -> None:
    data = make_report(make_history((1.0, 1.0), State.NO_CHANGE, benchmark="a.b"), make_history())
    moved, quiet = json.loads(json.dumps(index_data(summary(data))))["rows"]
    assert (moved[0], moved[5:7]) == ("attention.Quick.torchtime_step", ["regression", 0.2])
    assert (quiet[0], quiet[5:]) == ("a.b", ["no_change", 0, []])
    assert moved[7][0] == data.histories[1].points[3].commit.hash


def test_a_search_finds_a_row_by_what_it_shows(make_history, make_report) -> None:
    data = make_report(make_history(parameters=(("variant", "sdpa"),)), make_history((1.0,), State.NO_CHANGE))
    moved, quiet = (row[3] for row in index_data(summary(data))["rows"])
    assert moved.startswith("variant=sdpa ▲ +20 % slower")
    assert quiet == "variant=sdpa"


def test_rows_and_cards_lie_in_files_of_so_many(make_history, make_report, monkeypatch) -> None:
    monkeypatch.setattr(data_of_index, "CHUNK", 2)
    series = [make_history((1.0, 1.1), State.NO_CHANGE, benchmark=f"a.b<i>{place}") for place in range(3)]
    files = {file.name: file.calls for file in index_files(summary(make_report(*series)))}
    chunks = [f"data/{kind}-{number}.js" for kind in ("rows", "cards") for number in (0, 1)]
    assert list(files) == ["data/index.js", "data/benchmarks.js", *chunks]
    ((_, (function, text)),) = files["data/rows-1.js"]
    chunk = unpacked(text)
    html = chunk.pop("html")
    assert (function, chunk) == ("tbp.chunk", {"kind": "rows", "number": 1})
    assert (html.count("<tr "), html.count("</tr>")) == (1, 1)
    assert "b&lt;i&gt;2" in html
    assert "<i>" not in html
