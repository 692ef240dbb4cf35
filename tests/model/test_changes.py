"""Changes of a level, and whose merit they are."""

import math

import pytest
from msgspec.structs import replace

from tbp.model.changes import Change, ChangeEvidence, ChangeKind, Circumstance
from tbp.model.effects import effect_size
from tbp.model.series import Better

from ..histories import change, history

SLOWER, FASTER = (1.0, 1.2), (1.2, 1.0)


@pytest.mark.parametrize(
    ("levels", "better", "merit"),
    [
        (SLOWER, Better.LOWER, 1),
        (FASTER, Better.LOWER, -1),
        (SLOWER, Better.HIGHER, -1),
        (FASTER, Better.HIGHER, 1),
        (SLOWER, Better.UNKNOWN, 0),
        ((1.0, 1.0), Better.LOWER, 0),
    ],
)
def test_a_change_of_the_code_is_for_the_worse_or_the_better(levels: tuple[float, float], better: Better, merit: int):
    assert Change(3, *levels, 0.001, True).merit(better) == merit


@pytest.mark.parametrize("kind", [kind for kind in ChangeKind if kind is not ChangeKind.CODE])
@pytest.mark.parametrize("levels", [SLOWER, FASTER])
def test_what_the_code_did_not_do_is_neither(levels: tuple[float, float], kind: ChangeKind):
    assert Change(3, *levels, 0.001, True, kind).merit(Better.LOWER) == 0


def test_a_recovery_is_neither():
    assert Change(3, *FASTER, 0.001, True, is_recovery=True).merit(Better.LOWER) == 0


@pytest.mark.parametrize(("before", "after", "effect"), [(10, 11, 0.1), (10, 9, -0.1), (-2, -1, 0.5), (0, 0, 0.0)])
def test_an_effect_is_relative_to_the_size_of_the_level_before(before: float, after: float, effect: float):
    assert effect_size(before, after) == pytest.approx(effect)
    assert Change(3, before, after, 0.001, True).effect == pytest.approx(effect)


def test_from_nothing_there_is_no_effect_size():
    assert math.isnan(effect_size(0, 3))


def test_a_change_of_a_counter_matters_where_it_is_large_enough_to_report():
    assert [Change(3, 1, 2, p_value, confirmed).matters for p_value, confirmed in ((0, True), (0.1, False))] == [
        True
    ] * 2
    assert not Change(3, 1, 2, 0, False).matters


def test_a_circumstance_changed_where_both_sides_are_known_and_differ():
    sides = [("2.1", "2.2"), ("2.1", "2.1"), ("", "2.2"), ("2.1", "")]
    assert [Circumstance("torch", *side).is_changed for side in sides] == [True, False, False, False]


SUSPECT, VERDICT = change(2, 1.0, 1.2, 0.01, confirmed=False), change(2, 1.0, 1.2)
NEW_TORCH = change(2, 1.0, 1.2, kind=ChangeKind.DEPENDENCY, explanation="torch 2.1 → 2.2")


@pytest.mark.parametrize(
    ("newest", "is_suspect", "is_explained"),
    [
        (SUSPECT, True, False),
        (VERDICT, False, False),
        (NEW_TORCH, False, True),
        (change(2, 1.0, 1.2, 0.01, confirmed=False, kind=ChangeKind.DEPENDENCY), False, False),
        (change(2, 1.0, 1.0001, 0.0, confirmed=False), False, False),  # of a counter: certain, and too small
    ],
)
def test_the_newest_change_is_suspect_or_explained_or_a_verdict(
    newest: ChangeEvidence, is_suspect: bool, is_explained: bool
):
    judged = history(changes=(change(1, 2.0, 1.0, 0.01, confirmed=False), newest))
    assert judged.suspect is (newest if is_suspect else None)
    assert judged.explained is (newest if is_explained else None)
    judged_since = replace(judged, since=3)
    assert (judged_since.suspect, judged_since.explained) == (None, None)
    assert replace(judged, since=2).suspect is judged.suspect


def test_a_suspect_after_a_new_library_hides_it_not():
    judged = history(changes=(NEW_TORCH, change(4, 1.2, 1.4, 0.01, confirmed=False)))
    assert judged.explained is NEW_TORCH
    assert history(changes=(NEW_TORCH, change(4, 1.2, 1.4))).explained is None


def test_the_sum_of_two_regressions_has_no_p_value():
    two = history(changes=(change(1, 1.0, 1.2), change(3, 1.2, 1.8)))
    whole = two.standing_change
    assert whole is not None
    assert (whole.index, whole.before, whole.after) == (1, pytest.approx(1.0), pytest.approx(1.8))
    assert all(math.isnan(number) for number in (whole.p_value, whole.low, whole.high))
    assert two.standing is two.changes[1]
    alone = history(changes=(VERDICT,))
    assert alone.standing_change is VERDICT.change
    assert history(changes=(SUSPECT,)).standing_change is None


def test_a_commit_is_that_of_a_run_that_there_is():
    five = history()
    assert [five.commit_at(index) is not None for index in (-1, 0, 4, 5)] == [False, True, True, False]


@pytest.mark.parametrize(("runs", "is_back"), [(3, True), (2, False)])
def test_a_suspect_brings_a_level_back_once_it_has_three_runs(runs: int, is_back: bool):
    back = change(4, 1.2, 1.0, 0.01, confirmed=False)
    judged = history((1.0, 1.0, 1.2, 1.2, *[1.0] * runs), changes=(change(2, 1.0, 1.2), back))
    assert judged.balance is not None
    assert judged.balance.is_recovery is is_back
