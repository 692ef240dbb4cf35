"""Differences of literal sessions: parts, certainty, sums, words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace

from tbp.errors import UsageError
from tbp.traces.differences.difference import ROW_COLUMNS, TraceDifference, difference, explanation
from tbp.traces.differences.sides import side
from tbp.traces.differences.wording import calls, change, kernel_text, row_sentences
from tbp.traces.operators.operators import OPERATOR_COLUMNS, OperatorTable, TraceSession
from tbp.traces.reading.loss import Loss

from ..trace_differences import row as literal_row
from ..trace_differences import trace_difference

# operator → (calls, self_us) in each of ten equal steps
Step = Mapping[str, tuple[float, float]]

# Enough unchanged operators to know the machine by.
QUIET: dict[str, tuple[float, float]] = {f"quiet{i}": (2, 100.0) for i in range(6)}


def session_of(
    steps: Sequence[Step], *, idle_us: float = 50.0, device: Mapping[str, float] | None = None
) -> TraceSession:
    """A session whose steps spend ``idle_us`` outside operators; ``device`` adds device self time per step."""
    device = device or {}
    rows = [
        (index, name, float(number), float(us), device.get(name, 0.0))
        for index, step in enumerate(steps)
        for name, (number, us) in step.items()
    ]
    step_us = pd.Series([sum(us for _, us in step.values()) + idle_us for step in steps]).median()
    table = pd.DataFrame({name: pd.Series(dtype=float) for name in OPERATOR_COLUMNS})
    table = table.astype({"operator": object, "shapes": object, "recorded": object, "source": object})
    if device:
        on_device = [[name, 1.0, 0.0, 0.0, us, us, "", *[float("nan")] * 8, "", ""] for name, us in device.items()]
        table = pd.DataFrame(on_device, columns=list(OPERATOR_COLUMNS))
    per_step = pd.DataFrame(rows, columns=["step", "operator", "calls", "self_us", "self_device_us"])
    return TraceSession(OperatorTable(table, steps=len(steps)), per_step, float(step_us))


def side_of(step: Step, sessions: int = 3, speeds: Sequence[float] = (1.0, 1.01, 0.99)) -> list[TraceSession]:
    """Sessions of ten equal steps, each on a machine of its own speed."""
    return [
        session_of([{name: (number, us * speed) for name, (number, us) in step.items()}] * 10)
        for speed in speeds[:sessions]
    ]


def row(result: TraceDifference, operator: str) -> dict[str, Any]:
    return {str(name): value for name, value in result.rows.set_index("operator").loc[operator].items()}


def test_more_calls_are_certain_and_split_into_their_parts() -> None:
    before = QUIET | {"softmax": (2, 200.0)}
    after = QUIET | {"softmax": (3, 330.0)}
    result = difference(side_of(before), side_of(after))
    softmax = row(result, "softmax")
    assert list(result.rows.columns) == list(ROW_COLUMNS)
    assert (softmax["kind"], softmax["certain"]) == ("calls", True)
    assert softmax["delta_us"] == pytest.approx(130)
    assert softmax["calls_part_us"] == pytest.approx(100)  # one more call at 100 µs
    assert softmax["per_call_part_us"] == pytest.approx(30)  # three calls 10 µs longer
    assert softmax["share"] == pytest.approx(1)
    assert softmax["sentence"] == "softmax 2 → 3 calls (+0.13 ms, 100 % of the slowdown)"
    assert explanation(result) == "softmax 2 → 3 calls (100 % of the traced slowdown)"
    assert list(result.rows[result.rows["certain"]]["operator"]) == ["softmax"]


@pytest.mark.parametrize(("before_us", "after_us"), [(300.0, 200.0), (200.0, 300.0)])
def test_a_time_that_every_session_shows_is_certain_in_both_directions(before_us: float, after_us: float) -> None:
    sides = [side_of(QUIET | {"softmax": (2, self_us)}) for self_us in (before_us, after_us)]
    softmax = row(difference(*sides), "softmax")
    assert (softmax["kind"], softmax["certain"]) == ("time", True)
    assert softmax["delta_us"] == pytest.approx(after_us - before_us)


def test_a_floor_that_moved_while_the_usual_step_did_not_is_no_change() -> None:
    usual, quick = (QUIET | {"softmax": (2, self_us)} for self_us in (300.0, 200.0))
    before, after = [session_of([usual] * 10)] * 3, [session_of([quick] * 2 + [usual] * 8)] * 3
    assert row(difference(before, after), "softmax")["kind"] == "same"
    assert row(difference(after, before), "softmax")["kind"] == "same"


def test_new_and_gone_operators() -> None:
    result = difference(side_of(QUIET | {"old": (1, 50.0)}), side_of(QUIET | {"new": (4, 870.0)}))
    new, old = row(result, "new"), row(result, "old")
    assert (new["kind"], new["certain"], new["calls_part_us"], new["per_call_part_us"]) == ("new", True, 870, 0)
    assert (old["kind"], old["certain"], old["calls_part_us"], old["per_call_part_us"]) == ("gone", True, -50, 0)
    assert list(result.rows["operator"][:2]) == ["new", "old"]
    assert new["sentence"] == "new 0 → 4 calls (+0.87 ms, 106 % of the slowdown)"
    once = row(difference(side_of(QUIET), side_of(QUIET | {"new": (1, 870.0)})), "new")
    assert (once["kind"], once["calls_part_us"], once["per_call_part_us"]) == ("new", 870, 0)
    assert old["sentence"] == "old 1 → 0 calls (−50 µs)"


def test_the_rows_and_the_residual_sum_to_the_step() -> None:
    before = [session_of([QUIET | {"mm": (1, 100.0 + i)}] * 10, idle_us=40) for i in range(3)]
    after = [session_of([QUIET | {"mm": (2, 300.0 + i), "add": (1, 7.0)}] * 10, idle_us=90) for i in range(3)]
    result = difference(before, after)
    assert result.rows["delta_us"].sum() + result.residual_us == pytest.approx(result.delta_us)
    assert result.residual_us == pytest.approx(50)  # what grew between the operators
    parts = result.rows["calls_part_us"] + result.rows["per_call_part_us"]
    assert parts.to_list() == pytest.approx(result.rows["delta_us"].to_list())


def test_a_longer_call_needs_three_sessions() -> None:
    before, after = QUIET | {"mm": (4, 400.0)}, QUIET | {"mm": (4, 540.0)}
    enough = difference(side_of(before), side_of(after))
    assert (row(enough, "mm")["kind"], row(enough, "mm")["certain"]) == ("time", True)
    assert row(enough, "mm")["sentence"] == "mm +35 % in 4 calls as before (+0.14 ms, 100 % of the slowdown)"
    two = difference(side_of(before, 2), side_of(after, 2))
    assert (row(two, "mm")["kind"], row(two, "mm")["certain"]) == ("time", False)
    assert "need 3 sessions" in explanation(two)


def test_changed_calls_are_certain_with_one_session() -> None:
    result = difference(side_of(QUIET, 1), side_of(QUIET | {"masked_fill": (1, 60.0)}, 1))
    assert explanation(result) == "masked_fill 0 → 1 calls (100 % of the traced slowdown)"


@pytest.mark.parametrize(
    ("before_us", "after_us", "why"), [(100.0, 119.0, "19 µs is too little"), (1000.0, 1095.0, "9.5 % is too little")]
)
def test_a_change_must_matter(before_us: float, after_us: float, why: str) -> None:
    result = difference(side_of(QUIET | {"mm": (1, before_us)}), side_of(QUIET | {"mm": (1, after_us)}))
    assert row(result, "mm")["kind"] == "same", why


@pytest.mark.parametrize(("before_us", "after_us"), [(100.0, 121.0), (1000.0, 1105.0), (121.0, 100.0)])
def test_a_change_of_twenty_microseconds_and_a_tenth_matters(before_us: float, after_us: float) -> None:
    result = difference(side_of(QUIET | {"mm": (1, before_us)}), side_of(QUIET | {"mm": (1, after_us)}))
    assert row(result, "mm")["kind"] == "time"


@pytest.mark.parametrize(
    ("operators", "self_us", "factor"), [(5, 100.0, 1.3), (4, 100.0, 1.0), (5, 1.01, 1.3), (5, 0.99, 1.0)]
)
def test_five_operators_of_a_microsecond_tell_the_machine(operators: int, self_us: float, factor: float) -> None:
    before, after = (
        [session_of([{f"o{number}": (1, self_us * slow) for number in range(operators)}] * 10)] * 3 for slow in (1, 1.3)
    )
    assert difference(before, after).machine_factor == pytest.approx(factor)


@pytest.mark.parametrize(("idle_us", "has_share"), [(56.0, False), (57.0, True)])
def test_shares_are_given_from_a_hundredth_of_the_step_on(idle_us: float, has_share: bool) -> None:
    """Of 650 µs, with one operator 5 µs longer."""
    before = [session_of([QUIET | {"mm": (1, 0.0)}] * 10)]
    after = [session_of([QUIET | {"mm": (1, 5.0)}] * 10, idle_us=idle_us - 5)]
    assert bool(np.isfinite(row(difference(before, after), "mm")["share"])) is has_share


@pytest.mark.parametrize(("device_us", "clock"), [(499.0, "host"), (501.0, "device")])
def test_a_device_that_is_busy_for_half_of_the_step_is_judged(device_us: float, clock: str) -> None:
    side = [session_of([{"mm": (1, 950.0)}] * 10, device={"mm": device_us})]
    assert difference(side, side).clock == clock


@pytest.mark.parametrize(("device_us", "clock"), [(849.0, "host"), (851.0, "device")])
def test_a_device_that_explains_half_of_the_change_is_judged(device_us: float, clock: str) -> None:
    """The step takes 100 µs longer, the device, from 800 on, 49 or 51."""
    before = [session_of([{"mm": (1, 950.0)}] * 10, device={"mm": 800.0})]
    after = [session_of([{"mm": (1, 1050.0)}] * 10, device={"mm": device_us})]
    assert difference(before, after).clock == clock


def test_three_operators_are_named_and_none_below_five_percent() -> None:
    def told(*deltas_us: float) -> str:
        rows = [literal_row(f"o{at}", (1.0, 2.0), (0.0, us), "calls") for at, us in enumerate(deltas_us)]
        return explanation(trace_difference(rows, (4000.0, 5000.0)))

    assert told(400.0, 300.0, 200.0, 100.0).count("calls") == 3
    assert (
        told(400.0, 51.0) == "o0 1 → 2 calls (40 % of the traced slowdown); o1 1 → 2 calls (5 % of the traced slowdown)"
    )
    assert told(400.0, 49.0) == "o0 1 → 2 calls (40 % of the traced slowdown)"


@pytest.mark.parametrize(("factor", "is_named"), [(1.051, True), (1.049, False), (0.949, True), (0.951, False)])
def test_a_machine_is_spoken_of_from_five_percent_on(factor: float, is_named: bool) -> None:
    rows = [literal_row("mm", (1.0, 1.0), (100.0, 100.0))]
    text = explanation(trace_difference(rows, (4000.0, 4100.0), factor=factor))
    assert ("the machine" in text) is is_named


def test_eight_ranks_are_named_that_are_left_out() -> None:
    def note(ranks: int) -> str:
        rows = [literal_row("mm", (1.0, 1.0), (100.0, 100.0))]
        return trace_difference(rows, (1.0, 1.0), left_out=tuple(range(ranks))).rank_note

    assert note(0) == ""
    assert note(8) == "rank 0, 1, 2, 3, 4, 5, 6, 7 left out, as not every run has its trace"
    assert note(10) == "rank 0, 1, 2, 3, 4, 5, 6, 7 and 2 more left out, as not every run has its trace"


@pytest.mark.parametrize(("share", "sentence"), [
    (0.0051, "mm 1 → 2 calls (+10 µs, 1 % of the slowdown)"), (0.0049, "mm 1 → 2 calls (+10 µs)"),
])  # fmt: skip
def test_no_share_reads_zero_percent(share: float, sentence: str) -> None:
    rows = pd.DataFrame([literal_row("mm", (1, 2), (10, 20), "calls")]).assign(share=share)
    assert list(row_sentences(rows, "host")) == [sentence]


def test_a_name_of_sixty_characters_is_whole() -> None:
    assert kernel_text("k" * 60) == "k" * 60
    assert kernel_text("a" * 30 + "b" * 31) == "a" * 29 + "…" + "b" * 30


def test_overlapping_sessions_are_not_certain() -> None:
    before = [session_of([QUIET | {"mm": (1, us)}] * 10) for us in (400.0, 410.0, 900.0)]
    after = [session_of([QUIET | {"mm": (1, us)}] * 10) for us in (800.0, 810.0, 820.0)]
    result = difference(before, after)
    assert not result.rows["certain"].any()
    assert "beyond the noise" in explanation(result)


def test_a_slower_machine_is_no_change() -> None:
    step = QUIET | {"mm": (4, 400.0)}
    result = difference(side_of(step), side_of(step, speeds=(1.4, 1.5, 1.6)))
    assert not result.rows["certain"].any()
    assert result.machine_factor == pytest.approx(1.5)
    assert "the machine 1.50 × its time" in explanation(result)


def test_a_change_shows_through_a_slower_machine() -> None:
    before, after = QUIET | {"mm": (4, 400.0)}, QUIET | {"mm": (4, 600.0)}
    result = difference(side_of(before), side_of(after, speeds=(1.4, 1.5, 1.6)))
    assert list(result.rows[result.rows["certain"]]["operator"]) == ["mm"]


def test_the_machine_factor_alone_makes_nothing_certain() -> None:
    """Small operators say the machine is slower, the large one took as long as ever: that is no speed-up of it."""
    before = [session_of([QUIET | {"mm": (4, 400.0 + i)}] * 10) for i in range(3)]
    slower = {name: (number, us * 1.3) for name, (number, us) in QUIET.items()}
    result = difference(before, [session_of([slower | {"mm": (4, 400.0 + i)}] * 10) for i in range(3)])
    assert result.machine_factor == pytest.approx(1.3)
    assert not result.rows["certain"].any()


def test_too_few_operators_do_not_tell_the_machine() -> None:
    result = difference(side_of({"mm": (1, 400.0)}), side_of({"mm": (1, 800.0)}))
    assert result.machine_factor == 1
    assert row(result, "mm")["certain"]


def test_calls_that_vary_from_step_to_step_are_not_certain() -> None:
    before = [session_of([QUIET | {"poll": (number, 10.0)} for number in (1, 3, 2, 5)]) for _ in range(3)]
    after = [session_of([QUIET | {"poll": (number, 10.0)} for number in (2, 4, 3, 4 + i)]) for i in range(3)]
    result = difference(before, after)
    assert (row(result, "poll")["kind"], row(result, "poll")["certain"]) == ("calls", False)


def periodic(period: int, steps: int = 20) -> list[TraceSession]:
    return [session_of([QUIET | ({"step": (1, 90.0)} if i % period == 0 else {}) for i in range(steps)])] * 3


def test_what_runs_in_every_fourth_step_is_compared_by_its_mean() -> None:
    result = difference(periodic(4), periodic(2))
    step = row(result, "step")
    assert (step["calls_before"], step["calls_after"], step["certain"]) == (0.25, 0.5, True)
    assert step["sentence"].startswith("step 0.25 → 0.5 calls (+22 µs")


def test_one_call_at_the_edge_of_the_window_is_no_change() -> None:
    """Once in 20 steps and once in 30 is the same habit seen through two windows."""
    assert not difference(periodic(100), periodic(100, steps=30)).rows["certain"].any()


def test_nothing_changed() -> None:
    result = difference(side_of(QUIET), side_of(QUIET))
    assert result.delta_us == 0
    assert result.rows["share"].isna().all()
    assert set(result.rows["kind"]) == {"same"}
    assert explanation(result).startswith(
        "The trace does not explain it: the traced step changed by 0 µs (0.65 ms before)"
    )


def test_what_makes_a_slower_step_faster_does_not_explain_it() -> None:
    before = [session_of([QUIET | {"a": (2, 100.0)}] * 10)] * 3
    after = [session_of([QUIET | {"a": (1, 50.0)}] * 10, idle_us=400)] * 3
    said = explanation(difference(before, after))
    assert said.startswith("The trace does not explain it: the traced step changed by +0.30 ms")
    assert said.endswith("too little or opposed: a 2 → 1 calls (−50 µs in the trace)")


def test_a_faster_step_is_a_speed_up() -> None:
    result = difference(side_of(QUIET | {"mm": (2, 400.0)}), side_of(QUIET | {"mm": (1, 200.0)}))
    assert explanation(result) == "mm 2 → 1 calls (100 % of the traced speed-up)"


def test_a_device_bound_step_is_judged_on_the_device() -> None:
    host = {"mm": (1, 100.0), "sync": (1, 900.0)}
    before = [session_of([host] * 10, device={"mm": 800.0 + i}) for i in range(3)]
    after = [session_of([host] * 10, device={"mm": 1000.0 + i}) for i in range(3)]
    result = difference(before, after)
    mm = row(result, "mm")
    assert result.clock == "device"
    assert (mm["self_before_us"], mm["self_after_us"], mm["certain"]) == (801, 1001, True)
    assert (mm["self_host_before_us"], mm["self_device_after_us"]) == (100, 1001)
    assert mm["sentence"] == "mm +25 % in 1 call as before (+0.20 ms on the device)"


@pytest.mark.parametrize(("idle_us", "clock"), [(250.0, "device"), (50.0, "device"), (700.0, "host")])
def test_a_step_is_judged_on_the_device_where_that_changed_with_it(idle_us: float, clock: str) -> None:
    """The device takes 200 µs more of 1,050; the step 200 more, nothing more, or 650 more."""
    host = {"mm": (1, 100.0), "sync": (1, 900.0)}
    before = [session_of([host] * 10, device={"mm": 800.0})]
    after = [session_of([host] * 10, device={"mm": 1000.0}, idle_us=idle_us)]
    assert difference(before, after).clock == clock


def test_steps_without_time_have_no_shares() -> None:
    still = [session_of([{"mm": (1, 0.0)}] * 10, idle_us=0)]
    assert row(difference(still, still), "mm")["share"] != 0


def test_a_side_without_traces_is_refused() -> None:
    with pytest.raises(UsageError, match="both sides"):
        difference([], side_of(QUIET))


def test_words_for_numbers() -> None:
    assert [calls(number) for number in (0.0, 4.0, 0.25, 1.5)] == ["0", "4", "0.25", "1.5"]
    assert [change(us) for us in (12.4, -99.4, 870.0, 12345.0)] == ["+12 µs", "−99 µs", "+0.87 ms", "+12.3 ms"]


def test_what_the_files_had_lost_is_said_with_the_explanation() -> None:
    cut = replace(side_of(QUIET)[0], table=replace(side_of(QUIET)[0].table, loss=Loss(usable=12, cut_off=1)))
    result = difference(side_of(QUIET | {"mm": (1, 10.0)}), [cut, *side_of(QUIET | {"mm": (2, 200.0)})])
    lost = "the traces after are incomplete: the file ends inside its events: those after the first 12 are lost"
    assert explanation(result).endswith(f"; {lost}")
    assert result.losses == (lost,)
    assert difference(side_of(QUIET), side_of(QUIET)).losses == ()


def test_what_changed_on_the_host_beside_a_busy_device_is_judged_on_the_host() -> None:
    """As when the loading of data leaves the step: the device's kernels do not tell."""
    before = [session_of([{"mm": (1, 100.0), "load": (1, 400.0)}] * 10, device={"mm": 300.0 + i}) for i in range(3)]
    after = [session_of([{"mm": (1, 100.0)}] * 10, device={"mm": 300.0 + i}) for i in range(3)]
    result = difference(before, after)
    assert result.clock == "host"
    assert explanation(result) == "load 1 → 0 calls (100 % of the traced speed-up)"


def test_figures_over_steps_are_those_of_a_table_with_zeros() -> None:
    """Of a file with as many steps as operators the table would be gigabytes, so it is never made."""
    chance = np.random.default_rng(0)
    for steps in (1, 2, 5, 40):
        dense = np.where(chance.random((steps, 12)) < 0.6, chance.normal(1, 3, (steps, 12)), 0.0)
        dense[:, 0], dense[:, 1] = 0.0, np.abs(dense[:, 1]) + 1
        step, code = np.nonzero(dense)
        rows = pd.DataFrame({"step": step, "operator": [f"o{c}" for c in code], "calls": 1.0})
        own = session_of([{"o0": (1, 1.0)}] * steps)
        own = replace(own, per_step=rows.assign(self_us=dense[step, code], self_device_us=0.0))
        found = side([own], tuple(f"o{c}" for c in range(12)), "self_us", "self_device_us")
        calls_made = (dense != 0).astype(float)
        assert found.calls[0] == pytest.approx(calls_made.mean(axis=0))
        assert found.fewest_calls[0].tolist() == calls_made.min(axis=0).tolist()
        assert found.most_calls[0].tolist() == calls_made.max(axis=0).tolist()
        assert found.floor_us[0] == pytest.approx(np.quantile(dense, 0.1, axis=0))
        steady = np.ptp(calls_made, axis=0) == 0
        assert found.self_us[0] == pytest.approx(np.where(steady, np.median(dense, axis=0), dense.mean(axis=0)))


def test_quicker_best_steps_are_no_change_while_the_usual_step_is_the_same() -> None:
    """Met with identical code on a crowded machine: the floor moved by a fifth, the median by nothing."""
    slow, quick = [{"mm": (1, 1000.0)} | QUIET] * 8, [{"mm": (1, 800.0)} | QUIET] * 2
    before, after = ([session_of(steps) for _ in range(3)] for steps in ([*slow, *slow[:2]], [*slow, *quick]))
    result = difference(before, after)
    assert row(result, "mm")["delta_us"] == 0
    assert not result.rows["certain"].any()


def test_device_time_without_calls_changed_or_did_not() -> None:
    rows = pd.DataFrame([literal_row("rest", (0, 0), (10, 20), kind) for kind in ("time", "same")]).assign(share=0.0)
    assert list(row_sentences(rows, "device")) == [
        "rest changed (+10 µs on the device)", "rest unchanged (+10 µs on the device)",
    ]  # fmt: skip


def test_only_a_changed_time_is_told_in_percent_and_only_from_above_zero() -> None:
    figures = (("time", 10.0), ("same", 10.0), ("time", 0.0))
    rows = pd.DataFrame([literal_row("mm", (4, 4), (before_us, 20), kind) for kind, before_us in figures])
    assert list(row_sentences(rows.assign(share=0.0), "host")) == [
        "mm +100 % in 4 calls as before (+10 µs)", "mm 4 calls as before (+10 µs)", "mm 4 calls as before (+20 µs)",
    ]  # fmt: skip
