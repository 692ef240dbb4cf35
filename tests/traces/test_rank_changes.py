"""Ranks that changed alone, apart from what all did."""

import pandas as pd
import pytest

from tbp.traces.devices.rank_changes import rank_changes, standing_out
from tbp.wording.rank_words import changed_ranks


def side(*works_us: float, waits_us: float = 10.0, ranks: tuple[int, ...] = ()) -> pd.DataFrame:
    numbers = ranks or tuple(range(len(works_us)))
    return pd.DataFrame({"rank": numbers, "step_us": 200.0, "work_us": works_us, "wait_us": waits_us})


@pytest.mark.parametrize(
    ("after", "alone"),
    [
        ((100, 101, 140, 100), [2]),  # a straggler
        ((150, 151, 150, 152), []),  # the code: all of them
        ((150, 151, 190, 152), [2]),  # both
        ((100, 101, 109, 100), []),  # less than a tenth
        ((60, 100, 101, 100), [0]),  # faster alone
        ((100, 140, 60, 120), []),  # all over the place
    ],
)
def test_a_rank_stands_out_that_changed_more_than_the_others(after: tuple[float, ...], alone: list[int]) -> None:
    changes = rank_changes(side(100, 100, 100, 100), side(*after))
    assert standing_out(changes)["rank"].tolist() == alone


def test_only_ranks_of_both_sides_are_compared_and_one_alone_says_nothing() -> None:
    changes = rank_changes(side(100, 100, ranks=(0, 1)), side(400, 100, ranks=(1, 2)))
    assert (changes["rank"].tolist(), changes["delta_us"].tolist()) == ([1], [300])
    assert not changes["stands_out"].any()


def test_several_runs_of_a_side_are_their_median() -> None:
    before = pd.concat([side(100, 100, 100), side(102, 900, 100), side(101, 101, 100)])
    assert rank_changes(before, side(101, 101, 100))["delta_us"].tolist() == [0, 0, 0]


def test_a_sentence_names_the_rank_and_the_usual_one() -> None:
    changes = rank_changes(side(1_000, 1_000, 1_000, 1_000), side(1_020, 1_020, 1_500, 1_020))
    assert changed_ranks(changes) == "rank 2 works 1.00 ms → 1.50 ms (+500 µs, +50 %); the usual rank +20.0 µs"
    assert changed_ranks(rank_changes(side(1, 1), side(1, 1))) == ""
