"""Verdicts of pairs on a step, from literal ratios: where it is, whether it is confirmed, and what to measure next.

How often, in numbers: ``tools/simulated_nights.py``.
"""

import math
from collections.abc import Sequence

import pytest

from tbp.asv.ratios import Ratio
from tbp.history.paired_changes import FreshPairs, level_begin, wanted, with_pairs
from tbp.history.paired_evidence import FRESH_LOOKS, Crossing, Verdict, step
from tbp.model.changes import Change, ChangeKind
from tbp.model.series import Point

from ..histories import points

QUIET = (-0.002, 0.001, 0.002, -0.001)


def effects(effect: float, pairs: int = 4) -> tuple[float, ...]:
    """Pairs of a head that takes ``effect`` longer, but for noise of 0.2 %."""
    return tuple(math.log1p(effect) + QUIET[i % 4] for i in range(pairs))


def runs(count: int, missing: Sequence[int] = ()) -> list[Point]:
    return points(math.nan if place in missing else 1.0 for place in range(count))


def ratio(base: int, head: int, effect: float, pairs: int = 4, *, is_fresh: bool = False) -> Ratio:
    return Ratio(f"{base:040}", f"{head:040}", effects(effect, pairs), is_fresh)


def change(index: int, effect: float = 0.10, *, confirmed: bool = True, kind: ChangeKind = ChangeKind.CODE) -> Change:
    return Change(index, 1.0, 1.0 + effect, 1e-6, confirmed=confirmed, kind=kind, low=effect - 0.05, high=effect + 0.05)


def always(_: Change) -> bool:
    return True


def never(_: Change) -> bool:
    return False


# Where a step is


def test_of_one_ratio_the_newest_commit_is_suspected():
    said = step([Crossing(0, 9, effects(0.10))], 0, 10)
    assert (said.index, said.verdict, said.wanted) == (9, Verdict.UNDECIDED, min(FRESH_LOOKS))
    assert said.effect == pytest.approx(0.10, abs=0.001)


def test_ratios_of_earlier_nights_say_where_it_is():
    """Nights 6 and 7 saw nothing, nights 8 and 9 do."""
    nights = [Crossing(0, head, effects(0.10 if head >= 8 else 0.0)) for head in (6, 7, 8, 9)]
    said = step(nights, 0, 10)
    assert (said.index, said.earliest) == (8, 8)


def test_a_change_smaller_than_what_matters_is_not_suspected():
    assert step([Crossing(0, 9, effects(0.015))], 0, 10) is None
    assert step([Crossing(0, 9, effects(0.015))], 0, 10, relevant=0.01) is not None


def test_ratios_with_a_commit_before_the_level_tell_nothing_of_it():
    assert step([Crossing(0, 9, effects(0.10))], 5, 10) is None


def test_few_pairs_borrow_the_noise_of_earlier_nights():
    """±10 % from pair to pair on six nights: two pairs that happen to agree on 5 % say nothing."""
    noisy = [Crossing(0, head, (-0.1, 0.1, -0.1, 0.1)) for head in range(3, 9)]
    assert step([*noisy, Crossing(0, 9, effects(0.05, 2))], 0, 10) is None
    assert step([Crossing(0, 9, effects(0.05, 2))], 0, 10) is not None


# Whether fresh pairs confirm it


@pytest.mark.parametrize(
    ("fresh", "verdict"),
    [
        (effects(0.10, 6), Verdict.CONFIRMED),
        (effects(0.10, 5), Verdict.UNDECIDED),  # no look yet
        (effects(0.0, 6), Verdict.REFUTED),
        (effects(-0.10, 6), Verdict.REFUTED),
        (effects(0.015, 6), Verdict.REFUTED),  # real, and less than what matters
        ((0.16, 0.04, 0.13, 0.07, 0.10, 0.10), Verdict.UNDECIDED),
    ],
)
def test_fresh_pairs_alone_decide(fresh: tuple[float, ...], verdict: Verdict):
    said = step([Crossing(0, 9, effects(0.10)), Crossing(0, 9, fresh, is_fresh=True)], 0, 10)
    assert said.verdict is verdict
    assert (said.wanted > 0) is (verdict is Verdict.UNDECIDED)


def test_fresh_pairs_of_several_nights_add_up():
    weak = (0.02, 0.09, 0.03, 0.10, 0.04, 0.08)
    one = [Crossing(0, 9, effects(0.06)), Crossing(8, 9, weak, is_fresh=True)]
    first = step(one, 0, 10)
    later = step([*one, *(Crossing(8, 9, weak, is_fresh=True) for _ in range(3))], 0, 10)
    assert (first.verdict, later.verdict) == (Verdict.UNDECIDED, Verdict.CONFIRMED)


def test_after_the_last_look_nothing_more_is_asked():
    noisy = tuple(0.26 if i % 2 else -0.14 for i in range(max(FRESH_LOOKS)))
    said = step([Crossing(0, 9, effects(0.30)), Crossing(0, 9, noisy, is_fresh=True)], 0, 10)
    assert (said.verdict, said.wanted) == (Verdict.UNDECIDED, 0)


# What that makes of a series


def test_a_step_that_pairs_alone_confirm_is_a_change_of_the_series():
    night = [ratio(0, 9, 0.10), ratio(8, 9, 0.10, 6, is_fresh=True)]
    (found,) = with_pairs([], runs(10), night, 0.0)
    assert (found.index, found.confirmed, found.doubt) == (9, True, "")
    assert found.effect == pytest.approx(0.10, abs=0.001)
    assert 0.08 < found.low < found.effect < found.high < 0.12
    assert found.in_turns == f"{8:040}"


UP_DOWN_UP = [
    *(ratio(0, 9, 0.30), ratio(8, 9, 0.30, 6, is_fresh=True), ratio(9, 10, 0.0)),
    *(ratio(9, 12, -0.25), ratio(11, 12, -0.25, 6, is_fresh=True), ratio(12, 13, 0.0), ratio(12, 14, 0.0)),
    *(ratio(12, 15, 0.20), ratio(14, 15, 0.20, 6, is_fresh=True)),
]


def test_a_step_is_confirmed_the_night_it_comes_and_the_steps_before_it_stay():
    """Pairs alone show three: a larger one of weeks ago hides none."""
    changes = with_pairs([], runs(16), UP_DOWN_UP, 0.0)
    assert [(each.index, each.confirmed) for each in changes] == [(9, True), (12, True), (15, True)]
    assert [each.effect for each in changes] == pytest.approx([0.30, -0.25, 0.20], abs=0.01)


def test_a_step_that_the_series_shows_late_hides_none_before_it_and_is_no_second_one():
    changes = with_pairs([change(17, 0.20)], runs(20), UP_DOWN_UP, 0.0)
    assert [each.index for each in changes] == [9, 12, 17]


@pytest.mark.parametrize(
    ("effect", "newest", "places"),
    [
        pytest.param(0.73, 1.0, [6], id="the same one"),
        pytest.param(0.73, 1.7, [6, 19], id="a second one, which the newest run shows too"),
        pytest.param(0.20, 1.0, [6, 19], id="a smaller one, which the series may not show"),
        pytest.param(-0.73, 1.0, [6, 19], id="one back"),
    ],
)
def test_a_change_that_the_series_shows_a_little_early_is_not_shown_again(
    effect: float, newest: float, places: list[int]
):
    """The pairs compare with the first run of its new level, which is still on the old one."""
    pairs = [ratio(6, 19, effect), ratio(6, 19, effect, 6, is_fresh=True)]
    changes = with_pairs([change(6, 0.73)], points([1.0] * 19 + [newest]), pairs, 0.0)
    assert [(each.index, each.confirmed) for each in changes] == [(place, True) for place in places]


def test_a_weak_suspicion_is_not_shown_and_a_refuted_one_neither():
    weak = Ratio(f"{0:040}", f"{9:040}", (0.02, 0.10, 0.03, 0.09))
    assert step([Crossing(0, 9, weak.effects)], 0, 10) is not None
    assert with_pairs([], runs(10), [weak], 0.0) == ()
    assert with_pairs([], runs(10), [ratio(0, 9, 0.10), ratio(0, 9, 0.0, 6, is_fresh=True)], 0.0) == ()


def test_a_suspicion_is_shown_as_one():
    (found,) = with_pairs([], runs(10), [ratio(0, 9, 0.10)], 0.0)
    assert not found.confirmed
    assert found.doubt == "measured in turns against 00000000, and not confirmed by fresh pairs yet"


def test_a_suspect_of_the_series_close_by_is_what_pairs_confirm():
    night = [ratio(0, 9, 0.10), ratio(8, 9, 0.10, 6, is_fresh=True)]
    (found,) = with_pairs([change(8, 0.3, confirmed=False)], runs(10), night, 0.0)
    assert (found.index, found.confirmed) == (9, True)


def test_a_change_that_the_series_confirms_keeps_its_place_and_gets_the_interval_of_the_pairs():
    (found,) = with_pairs([change(9, 0.14)], runs(12), [ratio(3, 11, 0.10, 6, is_fresh=True)], 0.0)
    assert (found.index, found.confirmed, found.in_turns) == (9, True, f"{3:040}")
    assert found.effect == pytest.approx(0.10, abs=0.001)


def test_a_change_that_fresh_pairs_refute_is_suspect():
    (found,) = with_pairs([change(9)], runs(12), [ratio(3, 11, 0.0, 6, is_fresh=True)], 0.0)
    assert not found.confirmed
    assert found.doubt == "measured in turns against 00000000 the change is 0.0 % (−0.3 to +0.3 %)"


def test_an_apparent_pulse_is_refuted_by_pairs_from_before_it_to_after_it():
    both = [change(6), change(9, -0.10)]
    assert wanted(both, runs(12), [ratio(0, 1, 0.0)], 0.0, always) == FreshPairs(0, 11, 6)
    pairs = [ratio(0, 11, 0.0, 6, is_fresh=True)]
    assert [one.confirmed for one in with_pairs(both, runs(12), pairs, 0.0)] == [False, False]
    assert wanted(both, runs(12), pairs, 0.0, always) is None


def test_a_change_that_was_told_long_ago_stays_where_a_newer_one_is_refuted():
    both = [change(6), change(9, -0.10)]
    pairs = [ratio(6, 11, 0.0, 6, is_fresh=True)]
    assert [one.confirmed for one in with_pairs(both, runs(12), pairs, 0.0)] == [True, False]


@pytest.mark.parametrize(
    ("changes", "pairs"),
    [
        pytest.param((change(9, kind=ChangeKind.HARDWARE),), ratio(3, 11, 0.0, 6, is_fresh=True), id="another cause"),
        pytest.param((change(9),), ratio(9, 11, 0.0), id="no fresh pairs"),
    ],
)
def test_what_pairs_say_nothing_of_is_left_alone(changes, pairs):
    assert with_pairs(changes, runs(12), [pairs], 0.0) == changes


def test_ratios_of_commits_that_are_not_in_the_series_are_passed_over():
    assert with_pairs([], runs(5), [ratio(0, 9, 0.5)], 0.0) == ()


# What to measure next


@pytest.mark.parametrize(
    ("changes", "nights", "missing", "asked"),
    [
        pytest.param([], [ratio(0, 9, 0.0)], (), None, id="nothing is suspected"),
        pytest.param([], [ratio(0, 7, 0.0), ratio(0, 8, 0.0), ratio(0, 9, 0.10)], (), FreshPairs(8, 9, 6),
                     id="the newest commit is measured against the one before it"),
        pytest.param([], [ratio(0, 6, 0.0), ratio(0, 7, 0.0), ratio(0, 9, 0.10)], (8,), FreshPairs(7, 9, 6),
                     id="a commit without a value is passed over"),
        pytest.param([], [ratio(0, 9, 0.10), ratio(8, 9, 0.0, 6, is_fresh=True)], (), FreshPairs(0, 9, 6),
                     id="where fresh pairs close by found nothing, the whole level is asked"),
        pytest.param([change(9)], [ratio(0, 1, 0.0)], (), None, id="a regression that was told"),
    ],
)  # fmt: skip
def test_what_is_suspected_is_measured_next_to_it(changes, nights, missing, asked):
    assert wanted(changes, runs(12 if changes else 10, missing), nights, 0.0, never) == asked


def test_a_regression_that_nobody_was_told_of_is_measured_around_its_place():
    assert wanted([change(9)], runs(12), [ratio(0, 1, 0.0)], 0.0, always) == FreshPairs(3, 11, 6)


def test_what_is_decided_wants_nothing_more():
    nights = [ratio(0, 9, 0.10), ratio(8, 9, 0.10, 6, is_fresh=True)]
    assert wanted([], runs(10), nights, 0.0, always) is None
    assert wanted([change(9)], runs(12), [ratio(3, 11, 0.0, 6, is_fresh=True)], 0.0, always) is None


def test_a_level_begins_at_the_last_confirmed_change_or_the_first_value():
    assert level_begin([], runs(5, missing=[0])) == 1
    assert level_begin([change(2), change(4, confirmed=False)], runs(6)) == 2
