"""The tables that a reader takes away: every series and every event with raw numbers."""

import math

from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, State
from tbp.model.series import Point
from tbp.report.data.tables_to_take import EVENT_COLUMNS, SERIES_COLUMNS, event_rows, files_to_take, series_rows

from ...histories import commit
from ...packed_data import unpacked

FIRST, BEFORE = commit(3).hash, commit(2).hash


def by_column(columns, row):
    return dict(zip(columns, row, strict=True))


def written_by(history, author):
    points = tuple(
        Point(replace(point.commit, author=author, subject="Mask, then scale"), point.outcome, point.value)
        for point in history.points
    )
    return replace(history, points=points)


def test_a_series_has_its_change_as_raw_numbers_and_its_commits(make_history, make_report) -> None:
    step = Change(3, 1e-3, 1.2e-3, 0.0004, True, low=0.18, high=0.22)
    changed = written_by(make_history(changes=(ChangeEvidence(step),)), "Ann")
    (row,) = series_rows(make_report(changed))
    cells = by_column(SERIES_COLUMNS, row)
    page = cells.pop("page")
    assert page.startswith("benchmarks/attention-Quick-torchtime-step-")
    assert "#s-" in page
    assert cells == {
        "benchmark": "attention.Quick.torchtime_step", "parameters": "variant=sdpa", "machine": "bench-1",
        "environment": "py3.13", "unit": "seconds", "better": "lower", "state": "regression", "newest": 0.0012,
        "before": 0.001, "after": 0.0012, "change": 0.2, "low": 0.18, "high": 0.22, "p": 0.0004,
        "commit": FIRST, "date": "2026-05-04T12:00:00+00:00", "subject": "Mask, then scale", "author": "Ann",
        "last_before": BEFORE, "commits": 1,
    }  # fmt: skip


def test_what_nobody_knows_is_none(make_history, make_report) -> None:
    failed = make_history((math.nan, math.nan), State.FAILED, reason="no GPU")
    from_zero = make_history((0.0, 0.0, 0.0, 4.0), benchmark="memory.peak", unit="bytes")
    rows = [by_column(SERIES_COLUMNS, row) for row in series_rows(make_report(failed, from_zero))]
    of = {row["benchmark"]: row for row in rows}
    known = [of["attention.Quick.torchtime_step"][name] for name in ("newest", "before", "change", "p", "commit")]
    assert known == [None, None, None, None, None]
    assert (of["memory.peak"]["before"], of["memory.peak"]["after"], of["memory.peak"]["change"]) == (0.0, 4.0, None)


def test_an_event_has_its_largest_change_and_the_next_command(make_history, make_report) -> None:
    small = make_history(benchmark="attention.small", changes=(ChangeEvidence(Change(3, 1.0, 1.1, 0.001, True)),))
    large = make_history(benchmark="attention.large", changes=(ChangeEvidence(Change(3, 1.0, 1.5, 0.001, True)),))
    (row,) = event_rows(make_report(small, large))
    cells = by_column(EVENT_COLUMNS, row)
    assert (cells["series"], cells["suspects"], cells["benchmark"], cells["change"]) == (2, 0, "attention.large", 0.5)
    assert (cells["commit"], cells["last_before"], cells["machines"]) == (FIRST, BEFORE, "bench-1")
    assert cells["next"].startswith(f"tbp gate {BEFORE[:8]} {FIRST[:8]} --bench ")
    assert cells["page"].startswith("changes.html#at-")


def test_names_act_in_no_program(make_history, make_report) -> None:
    hostile = make_history(benchmark="a\u202eb\x00", machine="\udc80", parameters=(("x", "1\n2"),))
    (row,) = series_rows(make_report(hostile))
    assert row[:3] == ["a\ufffdb\ufffd", "x=1\n2", "\ufffd"]


def test_both_tables_are_data_that_a_script_asks_for(make_history, make_report) -> None:
    files = {file.name: file for file in files_to_take(make_report(make_history()))}
    assert list(files) == ["data/table.js", "data/event-table.js"]
    ((function, packed),) = files["data/table.js"].calls
    assert function == "tbp.packed"
    name, text = packed
    table = unpacked(text)
    assert (name, table["name"], table["columns"][0]) == ("tbp.taken", "table", "benchmark")
    assert len(table["rows"]) == 1
