"""The search by literal pairs without noise to speak of: what is measured next, and where it ends."""

from collections.abc import Sequence
from math import log1p

import pytest

from tbp.bisect.search import LineSearch
from tbp.bisect.trials import Role, Ruling, Trial
from tbp.statistics.paired_ratios import Pair
from tbp.turns.evidence import Limits

# Of pairs, in turn: small, and zero on average.
JITTER = (0.002, -0.003, 0.001, -0.001, 0.003, -0.002)


def levels(commits: int, *steps: tuple[int, float]) -> list[float]:
    """The level of each index of a line: a step raises it from its commit on."""
    return [log1p(sum(size for index, size in steps if index <= at)) for at in range(commits + 1)]


def searched(
    level: Sequence[float],
    weights: Sequence[float] | None = None,
    broken: Sequence[int] = (),
    wrong: Sequence[float] = (),
    wider: float = 1.0,
) -> LineSearch:
    """A search to its end; ``broken`` commits cannot be measured, the first probe sees ``wrong`` at first."""
    search = LineSearch(weights or (1.0,) * (len(level) - 1), Limits())
    lies = list(wrong)
    while (trial := search.next()) is not None:
        if trial.head in broken or trial.base in broken:
            assert search.skip(trial, "it does not build")
            continue
        shift = level[trial.head] - level[trial.base]
        if trial.role is Role.PROBE and lies:
            shift = lies.pop(0)
        effect = shift + wider * JITTER[len(trial.pairs) % len(JITTER)]
        trial.pairs.append(Pair(effect, effect, 1.0, 1.0))
        trial.rule(search.limits, search.bracket().levels)
    return search


def asked(search: LineSearch) -> list[tuple[str, int, int]]:
    return [(trial.role.value, trial.base, trial.head) for trial in search.trials]


def test_the_ends_come_first_and_without_a_change_nothing_else_does():
    search = searched(levels(32))
    assert asked(search) == [("ends", 0, 32)]
    assert search.trials[0].ruling is Ruling.GOOD
    assert list(search.suspects) == []


def test_halves_are_searched_and_the_step_is_measured_against_the_commit_before_it():
    search = searched(levels(32, (21, 0.10)))
    assert asked(search) == [
        ("ends", 0, 32), ("probe", 0, 16), ("probe", 0, 24), ("probe", 0, 20), ("probe", 0, 22), ("step", 20, 21),
    ]  # fmt: skip
    assert list(search.suspects) == [21]


def test_every_culprit_of_32_needs_six_comparisons():
    searches = [searched(levels(32, (culprit, 0.10))) for culprit in range(1, 33)]
    assert [list(search.suspects) for search in searches] == [[culprit] for culprit in range(1, 33)]
    assert {sum(bool(trial.pairs) for trial in search.trials) for search in searches} == {6}


def test_a_step_that_the_difference_of_two_effects_confirms_needs_no_fresh_pairs():
    """Commit 24 is like BAD, and its parent like the commit before that one: 0.0953 − 0 − 0 by 6 + 6 + 6 pairs."""
    search = searched(levels(32, (24, 0.10)))
    assert asked(search)[-3:] == [("probe", 0, 22), ("step", 22, 23), ("step", 23, 24)]
    (step,) = search.steps
    assert (step.pairs, step.count) == ([], 18)
    assert step.indirect is not None
    assert step.indirect.effect == pytest.approx(log1p(0.10), abs=1e-3)
    assert dict(step.indirect.against) == {0: 12, 22: 6}


@pytest.mark.parametrize(("wider", "last"), [(6, ("step", 22, 23)), (10, ("probe", 0, 23)), (20, ("step", 23, 24))])
def test_the_last_comparison_is_the_one_after_which_the_noise_lets_either_suspect_be_known(
    wider: float, last: tuple[str, int, int]
):
    """The more noise, the fewer effects may be between the two: three, two, and in the end fresh pairs of them."""
    search = searched(levels(32, (24, 0.10)), wider=wider)
    measured = [trial for trial in search.trials if trial.pairs]
    assert (measured[-1].role.value, measured[-1].base, measured[-1].head) == last
    assert list(search.suspects) == [24]


def _between(*effects: float, noisy: float = 0.0, wider: float = 1.0) -> LineSearch:
    """A search that suspects commit 4 of 8, by ``effects`` of its parent; pairs of commit 4 are ``noisy``."""
    parent = Trial(Role.PROBE, 0, 3, _pairs(effects), Ruling.GOOD)
    suspect = Trial(Role.PROBE, 0, 4, _pairs([0.095 + noisy, 0.095, 0.095 - noisy] * 2), Ruling.BAD)
    return LineSearch((1.0,) * 8, Limits(), [_ends(0.10, wider), suspect, parent])


def test_the_probe_that_is_known_least_goes_on_where_the_pairs_do_not_confirm_yet():
    search = _between(0.0, 0.09, -0.10, 0.08, 0.07, -0.06)
    *_, suspect, parent = search.trials
    assert search.next() is parent
    assert (parent.ruling, parent.least, suspect.least) == (Ruling.OPEN, 24, 0)
    while parent.ruling is Ruling.OPEN:
        parent.pairs += _pairs([JITTER[len(parent.pairs) % 6]])
        parent.rule(search.limits, search.bracket().levels)
    assert len(parent.pairs) == 24
    assert search.next() is None
    assert search.steps[0].indirect is not None
    assert search.steps[0].count == 30


def test_a_probe_before_the_last_one_goes_on_too_and_may_be_like_the_other_end_then():
    search = _between(*JITTER, noisy=0.11)
    suspect = search.trials[1]
    assert search.next() is suspect
    while suspect.ruling is Ruling.OPEN:
        suspect.pairs += _pairs([JITTER[len(suspect.pairs) % 6]])
        suspect.rule(search.limits, search.bracket().levels)
    assert (len(suspect.pairs), suspect.ruling) == (24, Ruling.GOOD)
    assert list(search.suspects) == [5, 6, 7, 8]


def test_probes_do_not_go_on_where_even_the_most_pairs_would_not_confirm():
    search = _between(0.0, 0.24, -0.22, 0.2, -0.21, 0.02, noisy=0.15, wider=25)
    fresh = search.next()
    assert fresh is not None
    assert (fresh.role, fresh.base, fresh.head) == (Role.STEP, 3, 4)


def test_a_second_look_widens_the_interval():
    once, twice = _between(*JITTER * 4), _between(*JITTER * 4)
    twice.trials[-1].least = 24
    assert once.next() is twice.next() is None
    intervals = [search.steps[0].indirect for search in (once, twice)]
    assert intervals[0] is not None
    assert intervals[1] is not None
    assert intervals[1].low < intervals[0].low


def test_an_improvement_is_searched_as_a_slowdown_is():
    assert list(searched(levels(8, (3, -0.20))).suspects) == [3]


def test_of_two_neighbours_the_bad_end_is_the_step():
    search = searched(levels(1, (1, 0.10)))
    assert asked(search) == [("ends", 0, 1)]
    assert list(search.suspects) == [1]


def test_commits_that_weigh_little_are_not_probed():
    weights = [0.05] * 8
    weights[2] = 1.0  # commit 3 alone touches code
    search = searched(levels(8, (3, 0.10)), weights)
    assert asked(search) == [("ends", 0, 8), ("step", 2, 3)]


def test_a_commit_that_weighs_little_is_found_all_the_same():
    weights = [0.05] * 8
    weights[2] = 1.0
    assert list(searched(levels(8, (6, 0.10)), weights).suspects) == [6]


def test_of_two_steps_the_larger_one_is_named():
    search = searched(levels(32, (5, 0.03), (21, 0.09)))
    assert list(search.suspects) == [21]
    search = searched(levels(32, (5, 0.09), (21, 0.03)))
    assert list(search.suspects) == [5]


def test_of_equal_steps_a_later_one_does_not_hide_the_largest():
    search = searched(levels(32, (5, 0.03), (10, 0.02), (20, 0.06)))
    assert list(search.suspects) == [20]


def test_commits_that_cannot_be_measured_are_passed_by_and_the_next_try_is_farther_away():
    broken = range(13, 20)
    search = searched(levels(32, (27, 0.10)), broken=broken)
    assert list(search.suspects) == [27]
    assert 16 in search.skipped
    assert len(search.skipped) < len(broken)


def test_a_culprit_among_commits_that_cannot_be_measured_is_a_range():
    search = searched(levels(8, (4, 0.10)), broken=(4, 5))
    assert list(search.suspects) == [4, 5, 6]
    assert search.steps[0].base, search.steps[0].head == (3, 6)


def test_where_nothing_between_the_ends_can_be_measured_all_of_it_is_the_range():
    search = searched(levels(4, (2, 0.10)), broken=(1, 2, 3))
    assert search.steps == []
    assert list(search.suspects) == [1, 2, 3, 4]


def test_a_probe_that_went_the_wrong_way_is_measured_again():
    """Ten pairs of commit 4 look slow by chance; no commit up to it makes a step, so it is doubted."""
    search = searched(levels(8, (7, 0.10)), wrong=[0.15] * 10, wider=28)
    assert list(search.suspects) == [7]
    first = next(trial for trial in search.trials if trial.role is Role.PROBE)
    assert (first.head, first.ruling) == (4, Ruling.GOOD)
    assert len(first.pairs) >= 12


def test_many_small_steps_are_no_single_commit():
    search = searched(levels(8, *[(index, 0.015) for index in range(1, 9)]))
    assert search.steps == []
    assert search.ends is not None
    assert search.ends.ruling is Ruling.BAD


def test_a_trial_of_a_step_ends_early_where_there_is_none():
    trial = Trial(Role.STEP, 3, 4)
    search = LineSearch((1.0,) * 8, Limits(), [_ends(0.10), trial])
    for effect in (0.001, -0.002, 0.001, 0.0, 0.002, -0.001):
        assert trial.ruling is Ruling.OPEN
        trial.pairs.append(Pair(effect, effect, 1.0, 1.0))
        trial.rule(search.limits, search.bracket().levels)
    assert trial.ruling is Ruling.NO_STEP


def test_a_step_that_cpu_time_does_not_bear_witness_to_is_none():
    trial = Trial(Role.STEP, 3, 4)
    search = LineSearch((1.0,) * 8, Limits(), [_ends(0.10), trial])
    while trial.ruling is Ruling.OPEN:
        trial.pairs.append(Pair(0.1 + JITTER[len(trial.pairs) % 6], 0.0, 1.0, 1.0))
        trial.rule(search.limits, search.bracket().levels)
    assert trial.ruling is Ruling.NO_STEP
    assert "CPU time did not" in trial.reason


def _ends(effect: float, wider: float = 1.0) -> Trial:
    ends = Trial(Role.ENDS, 0, 8)
    search = LineSearch((1.0,) * 8, Limits(), [ends])
    while ends.ruling is Ruling.OPEN:
        moved = log1p(effect) + wider * JITTER[len(ends.pairs) % len(JITTER)]
        ends.pairs.append(Pair(moved, moved, 1.0, 1.0))
        ends.rule(search.limits, search.bracket().levels)
    return ends


def _pairs(effects: Sequence[float]) -> list[Pair]:
    return [Pair(effect, effect, 1.0, 1.0) for effect in effects]
