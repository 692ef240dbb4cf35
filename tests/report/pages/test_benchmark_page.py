import math

import pandas as pd
from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, State
from tbp.report.pages.benchmark.change_blocks import IN_FULL
from tbp.report.parts import trace_rows
from tbp.traces.differences.difference import TraceDifference
from tbp.traces.differences.exact import EXACT_COLUMNS, PARENT_COLUMNS
from tbp.traces.operators.detail import NO_CALLER
from tbp.traces.reading.loss import Loss

from ...flames import frames
from ...histories import page_of
from ...trace_differences import row, trace_difference

NAN = math.nan


def difference(after_us: float = 1060.0, copies: int = 1, **fields: object) -> TraceDifference:
    """masked_fill_ is new and takes 60 µs, mm takes 3 µs less, 3 µs are outside operators."""
    rows = [
        row("aten::masked_fill_", (0.0, 4.0), (0.0, 60.0), "new", sentence="masked 0 → 4 calls"),
        row("aten::mm", (8.0, 8.0), (900.0, 897.0), sentence="mm as before"),
    ]
    return trace_difference(rows * copies, (1000.0, after_us), 3.0, **fields)


def test_moved_operators_add_up_to_the_step() -> None:
    rows = trace_rows.moved(difference())
    assert [(row.operator, row.calls, row.delta, row.share) for row in rows] == [
        ("aten::masked_fill_", "0 → 4", "+60.0 µs", "100 %"),
        ("aten::mm", "8", "−3.00 µs", "−5.0 %"),
        ("outside operators", "", "+3.00 µs", "5.0 %"),
        ("the traced step", "", "+60.0 µs", ""),
    ]
    assert [row.worse for row in rows] == [True, False, None, True]
    assert rows[0].remark == "new"
    assert (rows[-1].before, rows[-1].after) == ("1.00 ms", "1.06 ms")


def test_operators_beyond_the_shown_ones_are_one_row() -> None:
    rows = trace_rows.moved(difference(copies=10))
    assert len(rows) == trace_rows.DIFFERENCES + 3
    assert rows[trace_rows.DIFFERENCES].operator == "5 further operators"


def test_caveats_tell_of_few_sessions() -> None:
    assert trace_rows.caveats(difference()) == ""
    assert "1 and 3 traced sessions" in trace_rows.caveats(difference(sessions=(1, 3)))


def test_a_step_that_did_not_move_has_no_shares() -> None:
    assert trace_rows.moved(difference(after_us=1000.0))[-2].share == "–"


def test_hotspots_are_ranked_by_host_time_without_a_device(make_operators) -> None:
    found = trace_rows.hotspots(make_operators())
    assert [(row.operator, row.share, row.shapes, row.device_time) for row in found.rows] == [
        ("aten::mm", "67 %", "8×64, 64×64", ""),
        ("aten::softmax", "33 %", "8×64, 64×64", ""),
    ]
    assert not found.on_device
    assert found.rest == ""
    assert [replace(found, steps=number).of_steps for number in (1, 60)] == [
        "of one traced step", "median of 60 traced steps",
    ]  # fmt: skip


def test_hotspots_are_ranked_by_device_time_where_there_is_any(make_operators) -> None:
    found = trace_rows.hotspots(make_operators(device_us=7.0))
    assert found.on_device
    assert {row.device_time for row in found.rows} == {"7.00 µs"}


def test_hotspots_tell_what_they_leave_out(make_operators) -> None:
    names = [f"aten::op{place:02d}" for place in range(trace_rows.HOTSPOTS + 1)]
    assert trace_rows.hotspots(make_operators(names)).rest.startswith("1 further operator: 7.69 µs, 2.4 %")


def test_shapes_that_are_no_list_are_shown_as_recorded() -> None:
    assert trace_rows.shapes("") == ""
    assert trace_rows.shapes("{}") == "{}"
    assert trace_rows.shapes("[[8], [], [[2]]]") == "8, [2]"


def test_a_changed_series_is_unfolded_with_its_evidence(make_history, make_report) -> None:
    what = ChangeEvidence(Change(3, 1e-3, 1.06e-3, 0.004, True, low=0.05, high=0.07), difference())
    history = make_history(changes=(what,))
    section = page_of(history.key.benchmark, make_report(history)).sections[0]
    change = section.changes[0]
    assert section.unfolded
    assert change.effect == "▲ +6.0 % slower"
    assert change.lead == (
        "Timed, the step went from 1.00 ms to 1.06 ms (+6.0 %). Under the profiler it took 1.0 times as long (+6.0 %)."
    )
    assert change.explanation == "aten::masked_fill_ 0 → 4 calls (100 % of the traced slowdown)"
    assert change.probability == "p = 0.004"
    assert change.interval == "99 % CI +5.0 to +7.0 %"
    assert (change.commit.short, change.before.short) == ("03c0ffee", "02c0ffee")
    assert change.command.startswith("tbp gate 02c0ffee 03c0ffee --bench '^attention")
    assert change.again == "asv run --bench … '03c0ffee^!'"


def test_both_sides_of_a_counter_are_measured_again_too(make_history, make_report) -> None:
    history = make_history(unit="bytes")
    change = page_of(history.key.benchmark, make_report(history)).sections[0].changes[0]
    assert change.command.startswith("tbp gate 02c0ffee 03c0ffee --bench '^attention")


def test_a_change_from_the_first_run_on_is_measured_again_on_its_own(make_history, make_report) -> None:
    """No commit before it has a value, so nothing can be compared."""
    history = make_history((NAN, NAN, NAN, 1.2, 1.2))
    change = page_of(history.key.benchmark, make_report(history)).sections[0].changes[0]
    assert change.command == ""
    assert change.again.startswith("asv run --bench '^attention")


def test_without_a_trace_the_note_says_why(make_history, make_change, make_report) -> None:
    noted = make_history(changes=(make_change(3, 1.0, 2.0, note="the trace of 02c0ffee is broken"),))
    page = page_of(noted.key.benchmark, make_report(noted))
    assert page.sections[0].changes[0].remark == "the trace of 02c0ffee is broken"
    assert page.sections[0].hotspots is None


def test_only_confirmed_changes_are_shown_in_full_the_newest_first(make_history, make_change, make_report) -> None:
    changes = [make_change(index, 1.0, 1.0 + index) for index in range(1, IN_FULL + 2)]
    changes.insert(2, make_change(2, 1.0, 1.1, confirmed=False))
    history = make_history((1.0,) * 9, changes=tuple(changes))
    section = page_of(history.key.benchmark, make_report(history)).sections[0]
    assert [block.commit.short[:2] for block in section.changes] == ["04", "03", "02"]
    assert [(block.commit.short[:2], bool(block.doubt)) for block in section.earlier] == [("02", True), ("01", False)]
    assert section.earlier_title == "Other changes"


def test_a_benchmark_of_several_series_names_the_one_whose_value_it_tells(make_history, make_change, make_report):
    doubtful = (make_change(3, 1.0, 1.2, confirmed=False),)
    values = (1.0, 1.0, 1.0, 1.2, 1.2)
    first, calm = (
        make_history(values, state, changes=changes, parameters=(("size", size),))
        for size, state, changes in (("64", State.SUSPECT, doubtful), ("8", State.NO_CHANGE, ()))
    )
    page = page_of(first.key.benchmark, make_report(first, calm))
    assert page.finding == (
        "No confirmed regression in 2 series; 1 suspect. size=64: now 1.20 s at 04c0ffee (2026-05-05 12:00 UTC); "
        "still at this level."
    )
    assert page.sections[0].earlier_title == "Suspect changes"


def test_what_traces_lost_and_what_is_exact_is_told_beside_the_operators() -> None:
    exact = pd.DataFrame(
        [("aten::mm", "moved", 1.0, 1.0, f"aten::mm {i} calls moved") for i in range(trace_rows.EXACT + 2)],
        columns=list(EXACT_COLUMNS),
    )
    parents = pd.DataFrame(
        [
            ("Attention", "aten::masked_fill_", 0.0, 4.0, 0.0, 59.0, 59.0),
            (NO_CALLER, "aten::masked_fill_", 0.0, 1.0, 0.0, 1.0, 1.0),
            ("Attention", "aten::mm", 8.0, 8.0, 900.0, 890.0, -10.0),
            ("Norm", "aten::masked_fill_", 1.0, 1.0, 5.0, 5.1, 0.1),
        ],
        columns=list(PARENT_COLUMNS),
    )
    told = trace_rows.told(difference(exact=exact, parents=parents, loss_after=Loss(usable=9, unreadable=2)))
    assert (len(told.exact), told.more_exact) == (trace_rows.EXACT, 2)
    assert told.losses == ("Traces after the change: left out as unreadable: 2 events.",)
    assert [(row.caller, row.operator, row.calls, row.share, row.worse) for row in told.callers] == [
        ("Attention", "aten::masked_fill_", "0 → 4", "98 %", True),
        ("the step itself", "aten::masked_fill_", "0 → 1", "1.7 %", True),
    ]
    assert told.whole == "traced slowdown"
    assert trace_rows.told(difference(after_us=900.0)).whole == "traced speed-up"
    assert (trace_rows.told(difference()).exact, trace_rows.told(difference()).losses) == ((), ())


def test_hotspots_are_grouped_by_what_called_the_operators() -> None:
    stack = frames(
        {
            "nn.Module: Net_0": ("module", 2, 1_000_000, 0),
            "nn.Module: Net_0 > net.py(7): forward": ("python", 2, 2_000_000, 0),
            "nn.Module: Net_0 > net.py(7): forward > mm": ("operator", 2, 3_000_000, 0),
            "add": ("operator", 2, 2_000_000, 0),
        }
    )
    modules, lines = trace_rows.hotspot_groups(stack, on_device=False)
    assert [(row.operator, row.self_time, row.share) for row in modules.rows] == [
        ("Net_0", "3.00 ms", "75 %"),
        ("(no module)", "1.00 ms", "25 %"),
    ]
    assert (modules.title, lines.title) == ("nn.Module", "Python function")
    assert [row.operator for row in lines.rows] == ["net.py(7): forward", "(no function outside of torch)"]
    assert trace_rows.hotspot_groups(frames({"mm": ("operator", 2, 3_000_000, 0)}), on_device=False) == ()
