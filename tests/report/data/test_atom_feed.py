"""The feed: an entry for each confirmed event."""

import re
from datetime import datetime
from xml.etree import ElementTree as Xml

import pytest
from msgspec.structs import replace

from tbp.history.acknowledged import marked
from tbp.model.changes import State
from tbp.report.data.atom_feed import feed_xml

from ...histories import HOSTILE, change, changes

ATOM = "{http://www.w3.org/2005/Atom}"


def entries(data) -> list[Xml.Element]:
    return Xml.fromstring(feed_xml(data)).findall(f"{ATOM}entry")


def test_the_feed_has_an_entry_for_each_event_that_is_confirmed(make_history, make_report) -> None:
    slower = make_history(benchmark="a.time_x")
    other = make_history(benchmark="b.time_x")
    earlier = make_history((1.0, 0.5, 0.5, 0.5), State.IMPROVEMENT, changes=changes((1, 1.0, 0.5)))
    suspect = make_history(changes=(change(2, 1.0, 1.5, 0.2, False),))
    feed = entries(make_report(slower, other, earlier, suspect))
    titles = [entry.findtext(f"{ATOM}title") for entry in feed]
    assert titles == ["2 regressions at 03c0ffee", "1 improvement at 01c0ffee"]
    content = feed[0].findtext(f"{ATOM}content") or ""
    assert "a.time_x (variant=sdpa) on bench-1 · py3.13: ▲ +20 % slower, 1.00 ms → 1.20 ms" in content


def test_the_feed_says_what_recovered_and_where(make_history, make_report) -> None:
    steps = changes((1, 1.0, 1.5), (3, 1.5, 1.0))
    recovered = marked(make_history((1.0, 1.5, 1.5, 1.0), State.RECOVERED, changes=steps))
    feed = entries(make_report(recovered))
    assert [entry.findtext(f"{ATOM}title") for entry in feed] == [
        "1 recovered at 03c0ffee",
        "1 regression at 01c0ffee",
    ]
    assert (feed[1].findtext(f"{ATOM}content") or "").endswith("1.00 s → 1.50 s; recovered at 03c0ffee")


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
    few = replace(few, points=(few.points[0], few.points[4]), changes=changes((1, 1e-3, 1.2e-3)))
    (entry,) = entries(make_report(every, few))
    assert entry.findtext(f"{ATOM}title") == "2 regressions at 03c0ffee"
    assert (entry.findtext(f"{ATOM}content") or "").endswith("\non both machines that measured it")
    (alone,) = entries(make_report(few, commits=tuple(point.commit for point in every.points)))
    assert alone.findtext(f"{ATOM}title") == "1 regression by one of 4 commits up to 04c0ffee"
    assert (alone.findtext(f"{ATOM}content") or "").endswith("\nthe cause is one of 4 commits since 00c0ffee")


def test_a_name_with_line_ends_forges_no_line(make_history, make_report) -> None:
    text = "a\nFORGED\rFORGED\x85FORGED\u2028FORGED"
    (entry,) = entries(make_report(make_history(benchmark=text, machine=text), project=text))
    for tag in ("title", "content"):
        lines = (entry.findtext(f"{ATOM}{tag}") or "").splitlines()
        assert not any(line.startswith("FORGED") for line in lines)


def test_an_entry_keeps_its_id_when_more_is_known_of_it(make_history, make_report) -> None:
    one = entries(make_report(make_history(benchmark="a.time_x")))[0]
    more = entries(make_report(make_history(benchmark="a.time_x"), make_history(benchmark="b.time_x")))[0]
    assert one.findtext(f"{ATOM}id") == more.findtext(f"{ATOM}id")
    elsewhere = entries(make_report(make_history(benchmark="a.time_x"), project="other"))[0]
    assert one.findtext(f"{ATOM}id") != elsewhere.findtext(f"{ATOM}id")


def test_a_feed_without_changes_is_a_feed(make_report) -> None:
    assert entries(make_report()) == []
