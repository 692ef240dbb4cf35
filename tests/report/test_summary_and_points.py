from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from datetime import datetime
from xml.etree import ElementTree as Xml

import pytest
from msgspec.structs import replace

from tbp.history.acknowledged import marked
from tbp.history.events import Touching
from tbp.model.changes import Change, ChangeEvidence, State
from tbp.report.base.report_data import Base
from tbp.report.data import summary_and_points
from tbp.report.data.atom_feed import feed_xml
from tbp.report.data.summary_and_points import COLUMNS, cell, points, points_file, summary_json

NAN = math.nan
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = [
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x")',
    "]]>&amp;<!--",
    "\x00\x0b\ufffe\udc80\u202e",
    'a"b,c\r\nd',
]


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


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", "\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    (read,) = next(csv.reader(io.StringIO(cell(text), newline="")))
    assert read[0] not in "=+-@\t\r\n＝"
    assert read.endswith(text[1:].lstrip())


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
    monkeypatch.setattr(summary_and_points, "MOST_PLAIN", 8)
    assert points_file(data) == "points.csv.gz"
    packed = b"".join(make() for make in points(data))
    assert gzip.decompress(packed) == plain
    assert packed == b"".join(make() for make in points(data))


@pytest.mark.parametrize("most_plain", [1000, 8])
def test_pieces_are_the_same_points(make_history, make_report, monkeypatch, most_plain: int) -> None:
    data = make_report(*(make_history((1.0 + place,) * 9, State.NO_CHANGE, machine=f"m{place}") for place in range(5)))
    (whole,) = points(data)
    monkeypatch.setattr(summary_and_points, "MOST_PLAIN", most_plain)
    monkeypatch.setattr(summary_and_points, "BATCH_RUNS", 10)
    pieces = [make() for make in points(data)]
    assert len(pieces) > 2
    assert b"".join(map(gzip.decompress, pieces) if most_plain == 8 else pieces) == whole()


def test_the_summary_says_what_the_pages_say(make_history, make_report) -> None:
    what = ChangeEvidence(Change(3, 0.001, 0.0012, 0.0004, True, low=0.18, high=NAN))
    base = Base("v1", make_history().points[0].commit)
    found = json.loads(summary_json(make_report(make_history(changes=(what,)), base=base)))
    assert found["format"] == 1
    assert found["verdict"].startswith("Since v1: 1 regression in 1 series")
    assert found["base"]["revision"] == "v1"
    assert found["newest"]["date"] == "2026-05-05T12:00:00+00:00"
    assert found["states"]["regression"] == 1
    (series,) = found["series"]
    assert (series["state"], series["unit"], series["change"]) == ("regression", "seconds", 0)
    (change,) = series["changes"]
    assert change["effect"] == pytest.approx(0.2)
    assert (change["low"], change["high"]) == (0.18, None)
    assert change["first"]["commit"].startswith("03c0ffee")
    assert change["last_before"]["commit"].startswith("02c0ffee")
    assert series["page"].startswith("benchmarks/attention-Quick-torchtime-step-")


def test_the_summary_has_each_event_once_with_who_saw_it(make_history, make_report) -> None:
    worse = (1e-3,) * 3 + (1.5e-3,) * 2
    both = [make_history(worse, machine=on) for on in ("m1", "m2")]
    suspect = make_history(worse, benchmark="b.time", changes=(ChangeEvidence(Change(3, 1e-3, 1.1e-3, 0.1, False)),))
    data = make_report(*both, suspect)
    (event,) = data.events
    touching = (Touching("03c0ffee", ("uv.lock",)),)
    found = json.loads(summary_json(make_report(*both, suspect, joined=(replace(event, touching=touching),))))
    (told,) = found["events"]
    assert (told["first"]["commit"][:8], told["last_before"]["commit"][:8], told["commits"]) == (
        "03c0ffee",
        "02c0ffee",
        1,
    )
    assert (told["kind"], told["series"], told["suspects"], told["benchmarks"]) == ("code", 2, 1, 2)
    assert told["machines"] == {"moved": ["m1", "m2"], "suspect": ["bench-1"], "still": [], "excluding": []}
    assert told["seen"] == "on 2 of 3 machines that measured it, suspect on 1 more"
    assert told["is_one_machine"] is False
    assert told["touching"] == [{"commit": "03c0ffee", "files": ["uv.lock"]}]
    assert [(one["machine"], round(one["effect"], 3), one["confirmed"]) for one in told["changes"]] == [
        ("m1", 0.5, True),
        ("m2", 0.5, True),
        ("bench-1", 0.1, False),
    ]
    assert {series["changes"][0]["event"] for series in found["series"]} == {0}
    assert {series["changes"][0]["commits"] for series in found["series"]} == {1}


def test_the_summary_has_the_balance_and_its_parts(make_history, make_report) -> None:
    steps = ((1, 1.0, 0.5), (2, 0.5, 0.6), (3, 0.6, 0.55))
    changes = tuple(ChangeEvidence(Change(*step, 0.001, True)) for step in steps)
    (series,) = json.loads(summary_json(make_report(make_history(changes=changes))))["series"]
    effect = series["balance"].pop("effect")
    assert effect == pytest.approx(0.1)
    assert series["balance"] == {
        "reference": 0.5, "level": 0.55, "first": 1.0, "parts": [1, 2], "regressions": [1], "accepted": [],
    }  # fmt: skip
    assert series["change"] == 1
    (quiet,) = json.loads(summary_json(make_report(make_history((1.0, 1.0), State.NO_CHANGE))))["series"]
    assert quiet["balance"] is None


def test_the_summary_is_strict_json_whatever_names_are_like(make_history, make_report) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    own = make_history((NAN, NAN), State.FAILED, benchmark="\udc80<", reason="\u2028")
    found = json.loads(summary_json(make_report(own)).decode("ascii"), parse_constant=refuse)
    assert found["series"][0]["value"] is None


def entries(data) -> list[Xml.Element]:
    return Xml.fromstring(feed_xml(data)).findall(f"{ATOM}entry")


def test_the_feed_has_an_entry_for_each_event_that_is_confirmed(make_history, make_report) -> None:
    slower = make_history(benchmark="a.time_x")
    other = make_history(benchmark="b.time_x")
    earlier = make_history(
        (1.0, 0.5, 0.5, 0.5), State.IMPROVEMENT, changes=(ChangeEvidence(Change(1, 1.0, 0.5, 0.001, True)),)
    )
    suspect = make_history(changes=(ChangeEvidence(Change(2, 1.0, 1.5, 0.2, False)),))
    found = entries(make_report(slower, other, earlier, suspect))
    titles = [entry.findtext(f"{ATOM}title") for entry in found]
    assert titles == ["2 regressions at 03c0ffee", "1 improvement at 01c0ffee"]
    content = found[0].findtext(f"{ATOM}content") or ""
    assert "a.time_x (variant=sdpa) on bench-1 · py3.13: ▲ +20 % slower, 1.00 ms → 1.20 ms" in content


def test_the_feed_says_what_recovered_and_where(make_history, make_report) -> None:
    steps = ((1, 1.0, 1.5), (3, 1.5, 1.0))
    changes = tuple(ChangeEvidence(Change(*step, 0.001, True)) for step in steps)
    own = marked(make_history((1.0, 1.5, 1.5, 1.0), State.RECOVERED, changes=changes))
    found = entries(make_report(own))
    assert [entry.findtext(f"{ATOM}title") for entry in found] == [
        "1 recovered at 03c0ffee",
        "1 regression at 01c0ffee",
    ]
    assert (found[1].findtext(f"{ATOM}content") or "").endswith("1.00 s → 1.50 s; recovered at 03c0ffee")


@pytest.mark.parametrize("text", ["example", *HOSTILE])
def test_the_feed_has_what_atom_requires(make_history, make_report, text: str) -> None:
    """RFC 4287, section 4.1.1 and 4.1.2: one id, title and date each; an author; links; ids that differ."""
    data = make_report(make_history(benchmark=text, parameters=()), project=text)
    feed = Xml.fromstring(feed_xml(data))
    assert feed.tag == f"{ATOM}feed"
    assert feed.findtext(f"{ATOM}author/{ATOM}name")
    ids = []
    for part in (feed, *feed.findall(f"{ATOM}entry")):
        assert len(part.findall(f"{ATOM}title")) == len(part.findall(f"{ATOM}updated")) == 1
        updated = part.findtext(f"{ATOM}updated") or ""
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", updated)
        assert datetime.fromisoformat(updated).year == 2026
        ids += [one.text for one in part.findall(f"{ATOM}id")]
        assert all(link.get("href") for link in part.findall(f"{ATOM}link"))
    assert len(set(ids)) == len(ids) == 2
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", one or "") for one in ids)


def test_machines_that_saw_the_same_are_one_entry_with_what_is_known(make_history, make_report) -> None:
    every = make_history(machine="m1")
    few = make_history(machine="m2")
    change = (ChangeEvidence(Change(1, 1e-3, 1.2e-3, 0.0004, True)),)
    few = replace(few, points=(few.points[0], few.points[4]), changes=change)
    (entry,) = entries(make_report(every, few))
    assert entry.findtext(f"{ATOM}title") == "2 regressions at 03c0ffee"
    assert (entry.findtext(f"{ATOM}content") or "").endswith("\non both machines that measured it")
    (alone,) = entries(make_report(few, commits=tuple(point.commit for point in every.points)))
    assert alone.findtext(f"{ATOM}title") == "1 regression by one of 4 commits up to 04c0ffee"
    assert (alone.findtext(f"{ATOM}content") or "").endswith("\nthe cause is one of 4 commits since 00c0ffee")


def test_an_entry_keeps_its_id_when_more_is_known_of_it(make_history, make_report) -> None:
    one = entries(make_report(make_history(benchmark="a.time_x")))[0]
    more = entries(make_report(make_history(benchmark="a.time_x"), make_history(benchmark="b.time_x")))[0]
    assert one.findtext(f"{ATOM}id") == more.findtext(f"{ATOM}id")
    elsewhere = entries(make_report(make_history(benchmark="a.time_x"), project="other"))[0]
    assert one.findtext(f"{ATOM}id") != elsewhere.findtext(f"{ATOM}id")


def test_a_feed_without_changes_is_a_feed(make_report) -> None:
    assert entries(make_report()) == []
