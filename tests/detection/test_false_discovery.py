"""Which changes stand among many series."""

from tbp.detection.false_discovery import controlled
from tbp.model.changes import Change


def change(p_value: float, confirmed: bool = True) -> Change:
    return Change(3, 1.0, 1.2, p_value, confirmed)


def standing(changes: list[list[Change]]) -> list[int]:
    return [sum(one.confirmed for one in own) for own in controlled(changes, 0.05)]


def test_one_change_of_one_series_stands_as_before():
    assert standing([[change(0.04)]]) == [1]


def test_among_a_hundred_series_the_same_is_suspect_and_says_why():
    found = controlled([[change(0.04)], *[[]] * 99], 0.05)
    assert not found[0][0].confirmed
    assert found[0][0].doubt == "not sure enough among the 100 series of this report"


def test_many_changes_make_each_other_likely():
    assert standing([[change(0.004)]] * 10 + [[]] * 90) == [1] * 10 + [0] * 90


def test_a_certain_change_stands_and_makes_no_room():
    assert standing([[change(0.0)]] * 50 + [[change(0.04)]] + [[]] * 49) == [1] * 50 + [0] * 50


def test_suspects_are_not_judged():
    assert standing([[change(0.9, confirmed=False)], [change(0.01)]]) == [0, 1]


def test_nothing_is_fine():
    assert controlled([], 0.05) == []
    assert controlled([[], []], 0.05) == [(), ()]
