"""A difference by the time that its operators lost: ``tbp hotspots A B --by lost``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.traces.differences.difference import difference
from tbp.traces.differences.order import TimeMoved, by_time_lost, time_moved
from tbp.traces.operators.operators import session
from tbp.traces.reading.read import read_trace

from ..trace_events import event

Run = Callable[..., tuple[int, str, str]]
Times = dict[str, float]


def recorded(folder: Path, name: str, times: Times, calls: int = 1) -> Path:
    """A trace of one step; of "twice" ``calls`` are made."""
    several = [[each] * (calls if each == "twice" else 1) for each in times]
    names = [each for group in several for each in group]
    events = [event("ProfilerStep#1", 0, 10_000, {"cat": "user_annotation"})]
    events += [event(each, 1_000 * at, times[each]) for at, each in enumerate(names)]
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"traceEvents": events}))
    return path


BEFORE = {"gains": 900.0, "loses": 100.0, "loses most": 50.0, "same": 70.0, "twice": 30.0}
AFTER = {"gains": 300.0, "loses": 140.0, "loses most": 250.0, "same": 70.0, "twice": 30.0}


def test_the_most_time_lost_is_first_and_sums_are_of_all(tmp_path: Path) -> None:
    sides = [[session(read_trace(recorded(tmp_path, f"{n}", times, n)))] for n, times in ((1, BEFORE), (2, AFTER))]
    rows = difference(*sides).rows
    assert rows["operator"].tolist()[0] == "gains"  # a difference's own order is by the size of the change
    lost = by_time_lost(rows)
    assert lost[["operator", "delta_us"]].to_numpy().tolist() == [
        ["loses most", 200.0],
        ["loses", 40.0],
        ["twice", 30.0],
        ["gains", -600.0],
    ]
    assert time_moved(rows) == TimeMoved(lost_us=270.0, gained_us=-600.0, lost=3, gained=1)
    swapped = time_moved(difference(*sides[::-1]).rows)
    assert swapped == TimeMoved(lost_us=600.0, gained_us=-270.0, lost=1, gained=3)


def test_equal_losses_are_in_order_of_their_names(tmp_path: Path) -> None:
    before, after = (dict.fromkeys("cab", time) for time in (10.0, 20.0))
    sides = [[session(read_trace(recorded(tmp_path, f"{n}", times)))] for n, times in ((1, before), (2, after))]
    assert by_time_lost(difference(*sides).rows)["operator"].tolist() == ["a", "b", "c"]


def test_nothing_lost_is_0_and_not_empty(tmp_path: Path) -> None:
    sides = [[session(read_trace(recorded(tmp_path, "one", BEFORE)))]] * 2
    rows = difference(*sides).rows
    assert by_time_lost(rows).empty
    assert time_moved(rows) == TimeMoved(0.0, 0.0, 0, 0)


def test_the_terminal_and_json_show_it(tmp_path: Path, run: Run) -> None:
    one, two = recorded(tmp_path, "one", BEFORE), recorded(tmp_path, "two", AFTER, 2)
    code, out, _ = run("hotspots", one, two, "--by", "lost", "--top", "2")
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    at = lines.index("operator lost before after calls certain")
    assert lines[at + 1 : at + 4] == [
        "loses most +200 µs 50.0 µs 250 µs 1",
        "loses +40.0 µs 100 µs 140 µs 1",
        "… and 2 more operators: −570 µs (--top N)",
    ]
    assert "Lost +270 µs in 3 operators, gained −600 µs in 1 operator: −330 µs in all" in " ".join(lines)
    assert any(line.startswith("twice +30.0 µs") and line.endswith("1 → 2 yes") for line in _all(run, one, two))
    for by, first in (("lost", "loses most"), ("change", "gains"), (None, "gains")):
        _, out, _ = run("hotspots", one, two, "--json", *(["--by", by] if by else []))
        view = json.loads(out)["differences"][0]
        assert view["operators"][0]["operator"] == first
        assert (view["by"], view["lost_us"], view["gained_us"]) == (by or "change", 270.0, -600.0)


def _all(run: Run, one: Path, two: Path) -> list[str]:
    _, out, _ = run("hotspots", one, two, "--by", "lost")
    return [" ".join(line.split()) for line in out.splitlines()]


@pytest.mark.parametrize("by", ["lost", "change"])
def test_one_trace_has_lost_nothing(tmp_path: Path, run: Run, by: str) -> None:
    code, _, err = run("hotspots", recorded(tmp_path, "one", BEFORE), "--by", by)
    assert code != 0
    assert f"--by {by} is not for one trace: use --by self or --by device" in " ".join(err.split())
