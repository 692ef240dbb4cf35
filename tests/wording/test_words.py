import math
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from msgspec.structs import replace

from tbp.history.acknowledged import marked
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, State
from tbp.model.series import Better
from tbp.project import directions
from tbp.wording import verdicts, words

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0041, "seconds", "4.10 ms"),
        (412e-6, "seconds", "412 µs"),
        (9.9996e-4, "seconds", "1.00 ms"),
        (3e-9, "seconds", "3.00 ns"),
        (5e-12, "seconds", "0.00500 ns"),
        (75.0, "seconds", "75.0 s"),
        (0.0, "seconds", "0 µs"),
        (512, "bytes", "512 B"),
        (12 * 1024**2, "bytes", "12.0 MiB"),
        (1023.9996, "bytes", "1.00 KiB"),
        (12345.6, "tokens/s", "12,346 tokens/s"),
        (7.0, "unit", "7"),
        (-12345.0, "operators", "−12,345 operators"),
        (538_968_064.0, "unit", "539 M"),
        (0.0, "bytes", "0 B"),
        (0.0, "unit", "0"),
        (-2.5, "points", "−2.50 points"),
        (NAN, "seconds", "–"),
        (math.inf, "bytes", "–"),
    ],
)
def test_quantity_picks_the_unit(value: float, unit: str, expected: str) -> None:
    assert words.quantity(value, unit) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.12, "+12 %"),
        (0.061, "+6.1 %"),
        (-0.061, "−6.1 %"),
        (0.0996, "+10 %"),
        (0.0, "0 %"),
        (11.5, "+1,150 %"),
        (NAN, "–"),
    ],
)
def test_signed_percent(ratio: float, expected: str) -> None:
    assert words.signed_percent(ratio) == expected


@pytest.mark.parametrize(
    ("before", "after", "unit", "better", "expected"),
    [
        (1.0, 1.12, "seconds", Better.LOWER, "▲ +12 % slower"),
        (1.0, 0.8, "seconds", Better.LOWER, "▼ −20 % faster"),
        (100, 150, "bytes", Better.LOWER, "▲ +50 % larger"),
        (100, 50, "bytes", Better.LOWER, "▼ −50 % smaller"),
        (100, 90, "tokens/s", Better.HIGHER, "▼ −10 % lower (worse)"),
        (100, 130, "tokens/s", Better.HIGHER, "▲ +30 % higher (better)"),
        (-100, -50, "score", Better.HIGHER, "▲ +50 % higher (better)"),
        (0, 4, "calls", Better.LOWER, "▲ from 0 higher (worse)"),
        (100, 90, "frames", Better.UNKNOWN, "▼ −10 % lower"),
        (61.0, 64.0, "%", Better.HIGHER, "▲ +3.0 points higher (better)"),
        (64.0, 41.0, "percent", Better.UNKNOWN, "▼ −23 points lower"),
        (0.0, 0.04, "%", Better.LOWER, "▲ +0.04 points higher (worse)"),
    ],
)
def test_effect_says_direction_and_merit(before: float, after: float, unit: str, better: Better, expected: str) -> None:
    assert verdicts.effect(Change(3, before, after, 0.001, True), unit, better) == expected


def test_a_change_that_is_not_the_code_s_has_no_merit() -> None:
    change = Change(3, 1.0, 1.12, 0.001, True, ChangeKind.DEPENDENCY, "torch 2.12 → 2.13")
    assert verdicts.effect(change, "seconds", Better.LOWER) == "▲ +12 % with torch 2.12 → 2.13"


def test_a_recovery_is_named() -> None:
    change = Change(3, 1.25, 1.0, 0.001, True, is_recovery=True)
    assert verdicts.effect(change, "seconds", Better.LOWER) == "▼ −20 % recovered"


def test_every_state_has_its_words() -> None:
    assert set(verdicts.PLURALS) == set(verdicts.GLYPHS) == set(State)
    assert len(set(verdicts.GLYPHS.values())) == len(State)


@pytest.mark.parametrize(
    ("p_value", "expected"), [(1e-9, "p < 0.001"), (0.0204, "p = 0.020"), (NAN, ""), (1.0, "p = 1.000")]
)
def test_probability(p_value: float, expected: str) -> None:
    assert words.probability(p_value) == expected


def test_a_moment_is_in_utc_and_says_so() -> None:
    zone = timezone(timedelta(hours=2))
    assert words.moment(datetime(2026, 5, 1, 1, 30, tzinfo=zone)) == "2026-04-30 23:30 UTC"


@pytest.mark.parametrize(("per_step", "expected"), [(4.0, "4"), (0.5, "0.500"), (1200.0, "1,200"), (NAN, "–")])
def test_calls(per_step: float, expected: str) -> None:
    assert words.calls(per_step) == expected


@pytest.mark.parametrize(("value_us", "expected"), [(248.0, "+248 µs"), (-6.0, "−6.00 µs"), (0.0, "0 µs"), (NAN, "–")])
def test_signed_microseconds(value_us: float, expected: str) -> None:
    assert words.signed_microseconds(value_us) == expected


def test_a_traceback_is_told_by_its_last_line() -> None:
    assert words.first_line("Traceback:\n  x\nValueError: no\n\n") == "ValueError: no"
    assert words.first_line("a" * 300) == "a" * 159 + "…"


@pytest.mark.parametrize(
    ("values", "state", "reason", "expected"),
    [
        ((1e-3, 1e-3, 1e-3, 1.2e-3), State.REGRESSION, "",
         "▲ +20 % slower since 03c0ffee: 1.00 ms → 1.20 ms, p < 0.001."),
        ((1e-3,) * 4, State.NO_CHANGE, "", "No confirmed change over 4 runs; now 1.00 ms, noise between runs 2.1 %."),
        ((1e-3,), State.NOT_ENOUGH_DATA, "", "Too few runs to tell: 1 run with a value, the newest 1.00 ms."),
        ((), State.NOT_ENOUGH_DATA, "", "Too few runs to tell: 0 runs with a value."),
        ((1e-3,), State.STALE, "",
         ("Out of date, since its machine and environment stopped reporting: "
          "last measured at 00c0ffee (2026-05-01 12:00 UTC), 1.00 ms.")),
        ((1e-3,), State.VANISHED, "",
         "No longer measured: last measured at 00c0ffee (2026-05-01 12:00 UTC), 1.00 ms."),
        ((NAN,), State.FAILED, "RuntimeError: boom", "Failed in the newest run: RuntimeError: boom"),
        ((NAN,), State.SKIPPED, "", "Skipped in the newest run: asv stores no reason"),
    ],
)  # fmt: skip
def test_finding(make_history, values, state: State, reason: str, expected: str) -> None:
    assert verdicts.finding(make_history(values, state, reason=reason)) == expected


def steps(*levels: float) -> tuple[ChangeEvidence, ...]:
    found = enumerate(pairwise(levels), start=1)
    return tuple(ChangeEvidence(Change(index, before, after, 0.0004, True)) for index, (before, after) in found)


@pytest.mark.parametrize(
    ("levels", "state", "expected"),
    [
        ((1.00, 1.42, 1.39), State.REGRESSION,
         "▲ +39 % slower since 01c0ffee: 1.00 s → 1.39 s, of which ▲ +42 % at 01c0ffee, ▼ −2.1 % at 02c0ffee."),
        ((1.00, 0.50, 0.55), State.REGRESSION,
         "▲ +10 % slower since 02c0ffee: 500 ms → 550 ms, p < 0.001, after ▼ −50 % at 01c0ffee."),
        ((1.00, 1.42, 1.00), State.RECOVERED,
         "▼ −30 % recovered since 02c0ffee: 1.42 s → 1.00 s, p < 0.001, which undoes ▲ +42 % at 01c0ffee."),
        ((1.00, 1.42, 0.80), State.IMPROVEMENT,
         "▼ −20 % faster since 01c0ffee: 1.00 s → 800 ms, of which ▼ −44 % at 02c0ffee, ▲ +42 % at 01c0ffee."),
        ((1.00, 1.02, 1.05, 1.10, 1.20, 1.35, 1.55), State.REGRESSION,
         ("▲ +55 % slower since 01c0ffee: 1.00 s → 1.55 s, of which ▲ +15 % at 06c0ffee, ▲ +13 % at 05c0ffee, "
          "▲ +9.1 % at 04c0ffee, ▲ +4.8 % at 03c0ffee, 2 more.")),
    ],
)  # fmt: skip
def test_the_finding_names_the_parts_of_the_balance(make_history, levels, state: State, expected: str) -> None:
    own = marked(make_history(levels, state, changes=steps(*levels)))
    assert verdicts.finding(own) == expected


def test_the_verdict_names_the_largest_regression(make_history) -> None:
    first = make_history()
    assert verdicts.verdict([first, make_history((1e-3,) * 4, State.NO_CHANGE)]) == (
        "1 regression in 2 series; it is attention.Quick.torchtime_step (variant=sdpa): ▲ +20 % slower since 03c0ffee."
    )


def test_the_verdict_without_regressions_tells_what_else_there_is(make_history) -> None:
    steady = make_history((1e-3,) * 4, State.NO_CHANGE)
    failed = make_history((NAN,), State.FAILED)
    assert verdicts.verdict([steady, failed]) == "No confirmed regression in 2 series; 1 failed."


def test_cannot_tell_is_a_verdict_of_its_own(make_history) -> None:
    young = make_history((1e-3,), State.NOT_ENOUGH_DATA)
    assert verdicts.verdict([young]) == "No verdict yet on any of 1 series (1 not enough data)."
    assert verdicts.verdict([]) == "Nothing has been measured yet."


def test_a_name_cannot_turn_the_text_beside_it_around() -> None:
    assert words.visible("a\u202eb\u2066\x00\x1b\udc80\n\tä✖") == "a\ufffdb\ufffd\ufffd\ufffd\ufffd\n\tä✖"


def test_a_cut_text_says_so() -> None:
    assert (words.cut("abcd", 4), words.cut("abcde", 4)) == ("abcd", "abc…")


def test_an_interval_narrower_than_what_is_shown_is_said_so():
    assert words.interval_of(2.36401, 2.36402, 1.0, "seconds") == "99 % CI within 0.1 % of it"
    assert words.interval_of(0.052, 0.07, 1.0, "seconds") == "99 % CI 5.2–7.0 %"


def test_the_interval_of_a_percentage_is_in_points() -> None:
    """61 % → 64 % is +4.9 % of 61 %, between 3.4 and 6.4 %; nobody means that."""
    change = Change(3, 61.0, 64.0, 0.001, True, low=0.034, high=0.064)
    assert verdicts.interval_of_change(change, "%") == "99 % CI 2.1–3.9 points"
    assert verdicts.interval_of_change(change, "%", "+") == "99 % CI +2.1 to +3.9 points"
    assert verdicts.interval_of_change(change, "frames") == "99 % CI 3.4–6.4 %"
    assert words.signed_difference(61.0, 64.0, "%") == "+3.0 points"
    assert verdicts.before_after(change, "%") == "61 % → 64 %"


def test_a_verdict_without_a_finding_says_how_much_it_cannot_tell(make_history) -> None:
    steady = make_history((1.0,) * 12, State.NO_CHANGE)
    few = make_history((1.0,), State.NOT_ENOUGH_DATA)
    changed = make_history((1.0,) * 3 + (2.0,), State.CHANGED, better=Better.UNKNOWN)
    assert verdicts.verdict([changed, steady, few, few]) == (
        "No confirmed regression in 4 series; 1 changed, for better or worse; 2 with too few runs to tell."
    )


def test_where_a_direction_comes_from_is_said(make_history) -> None:
    known = replace(make_history(), better_by="time")
    assert verdicts.better(known) == "lower is better: time"
    assert verdicts.better(make_history(better=Better.UNKNOWN)) == ""
    assert directions.undirected(["a.Cloth.track_metric", "a.Pot.track_metric"]) == (
        "Nothing says which direction is better for a.Cloth.track_metric and 1 more: a change there is neither "
        "regression nor improvement. To decide it, write below [tool.tbp.better] in pyproject.toml: "
        '"track_metric$" = "lower" (or "higher")'
    )


def test_what_moved_with_another_cause_is_no_silence(make_history) -> None:
    moved = Change(2, 1.0, 1.2, 0.001, True, ChangeKind.HARDWARE, "driver 550 → 570")
    history = make_history((1.0, 1.0, 1.2, 1.2), State.NO_CHANGE, changes=(ChangeEvidence(moved),))
    sentence = "No confirmed regression in 1 series; 1 moved for another reason than the code."
    assert verdicts.verdict([history]) == sentence
