"""The verdicts for other programs, as strict JSON."""

import json
import math

import pytest
from msgspec.structs import replace

from tbp.history.events import Touching
from tbp.model.changes import State
from tbp.report.base.report_data import Base
from tbp.report.data.summary_json import summary_json

from ...histories import change, changes

NAN = math.nan


def test_the_summary_says_what_the_pages_say(make_history, make_report) -> None:
    slower = change(3, 0.001, 0.0012, low=0.18, high=NAN)
    base = Base("v1", make_history().points[0].commit)
    document = json.loads(summary_json(make_report(make_history(changes=(slower,)), base=base)))
    assert document["format"] == 1
    assert document["verdict"].startswith("Since v1: 1 regression in 1 series")
    assert document["base"]["revision"] == "v1"
    assert document["newest"]["date"] == "2026-05-05T12:00:00+00:00"
    assert document["states"]["regression"] == 1
    (series,) = document["series"]
    assert (series["state"], series["unit"], series["change"]) == ("regression", "seconds", 0)
    (told,) = series["changes"]
    assert told["effect"] == pytest.approx(0.2)
    assert (told["low"], told["high"]) == (0.18, None)
    assert told["first"]["commit"].startswith("03c0ffee")
    assert told["last_before"]["commit"].startswith("02c0ffee")
    assert series["page"].startswith("benchmarks/attention-Quick-torchtime-step-")


def test_the_summary_has_the_answer_with_what_to_do_next(make_history, make_report) -> None:
    worse = make_history()
    better = make_history((1e-3,) * 3 + (5e-4,) * 2, State.IMPROVEMENT, benchmark="b.time")
    by = replace(worse.points[3].commit, author="Ann")
    both = [
        replace(own, points=(*own.points[:3], replace(own.points[3], commit=by), own.points[4]))
        for own in (worse, better)
    ]
    document = json.loads(summary_json(make_report(*both)))
    assert document["answer"] == {
        "sentence": "1 new regression in the 7 days to 2026-05-05, from 1 commit; 1 stands.",
        "since": "2026-04-28T12:00:00+00:00",
        "new_regressions": 1,
        "new_changed": 0,
        "new_better": 1,
        "standing": 1,
        "events": [0],
    }
    event = document["events"][0]
    assert (event["authors"], event["first"]["author"]) == (["Ann"], "Ann")
    assert event["standing"] == {"regression": 1, "improvement": 1}
    assert event["next"]["first"].startswith("tbp gate 02c0ffee 03c0ffee --bench ")
    assert event["next"]["accept"].startswith("tbp ack 02c0ffee..03c0ffee --reason ")


def test_the_summary_has_each_event_once_with_who_saw_it(make_history, make_report) -> None:
    worse = (1e-3,) * 3 + (1.5e-3,) * 2
    both = [make_history(worse, machine=on) for on in ("m1", "m2")]
    suspect = make_history(worse, benchmark="b.time", changes=(change(3, 1e-3, 1.1e-3, 0.1, False),))
    data = make_report(*both, suspect)
    (event,) = data.events
    touching = (Touching("03c0ffee", ("uv.lock",)),)
    found = json.loads(summary_json(make_report(*both, suspect, joined=(replace(event, touching=touching),))))
    (told,) = found["events"]
    commits = told["last_before"]["commit"][:8], told["first"]["commit"][:8], told["commits"]
    assert commits == ("02c0ffee", "03c0ffee", 1)
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
    history = make_history(changes=changes((1, 1.0, 0.5), (2, 0.5, 0.6), (3, 0.6, 0.55)))
    (series,) = json.loads(summary_json(make_report(history)))["series"]
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
