"""Changes of level that follow what was measured with, or when, rather than the commit."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from tbp.history.circumstances import RunCircumstances, with_number
from tbp.history.explanations import explained
from tbp.model.changes import Change, ChangeKind

from ..histories import points

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000.0
START_MS = START.timestamp() * 1000
FAST, SLOW = 1e-6, 142e-6
MANY, ONE = RunCircumstances({}, 97_915, FAST), RunCircumstances({}, 1, SLOW)


def judged(
    values: Sequence[float],
    index: int,
    known: Sequence[Mapping[str, str]] | None = None,
    nights: Sequence[float] | None = None,
    noise: float = 0.01,
) -> Change:
    """The change from the first value to the last one at ``index``; each run was measured in one of ``nights``."""
    started_ms = START_MS + DAY_MS * np.array(nights, float) if nights is not None else None
    change = Change(index, values[0], values[-1], 0.001, True)
    return explained(change, (0, len(values)), known or [{}] * len(values), points(values), noise, started_ms)


def test_number_fell_and_older_commits_were_measured_later_with_the_new_one():
    """asv's number fell from 97,915 to 1; four of the older commits were measured after that."""
    runs = [ONE if place in (4, 9, 14, 17) else MANY for place in range(20)] + [ONE] * 10
    found = judged([run.value for run in runs], 20, with_number(runs))
    assert (found.kind, found.explanation) == (ChangeKind.HARNESS, "calls per sample 97,915 → 1")
    assert (found.index, found.causes[0].before) == (20, "97,915")


def test_a_commit_measured_with_both_numbers_at_one_level_is_told_from_them():
    """The older commits that were measured with number 1 are as fast as with 97,915: the commit is slow."""
    runs = [RunCircumstances({}, 1 if place in (4, 9, 14, 17) else 97_915, FAST) for place in range(20)] + [ONE] * 10
    found = judged([run.value for run in runs], 20, with_number(runs))
    assert (found.kind, found.explanation) == (ChangeKind.CODE, "")


def test_calibrated_numbers_that_come_back_are_one_circumstance():
    runs = [RunCircumstances({}, number, FAST if number > 1 else SLOW) for number in (97_915, 1, 98_123, 1, 99_001)]
    assert [run["calls per sample"] for run in with_number(runs)] == ["97,915", "1", "97,915", "1", "97,915"]


def test_a_step_ten_times_slower_with_a_tenth_of_the_number_is_the_regression_itself():
    runs = [RunCircumstances({}, 1000, 1.0)] * 10 + [RunCircumstances({}, 100, 10.0)] * 10
    assert judged([run.value for run in runs], 10, with_number(runs)).kind is ChangeKind.CODE


@pytest.mark.parametrize(
    ("name", "kind"),
    [("torch", ChangeKind.DEPENDENCY), ("GPU", ChangeKind.HARDWARE), ("driver", ChangeKind.HARDWARE),
     ("system", ChangeKind.HARDWARE), ("machine's cooling", ChangeKind.HARDWARE), ("threads", ChangeKind.HARNESS)],
)  # fmt: skip
def test_runs_that_follow_a_circumstance_put_the_change_down_to_it(name: str, kind: ChangeKind):
    old, new = {name: "A"}, {name: "B"}
    known = [old, old, new, old, old, old, new, new, new, new]
    found = judged([1.0, 1.0, 1.2, 1.0, 1.0, 1.0, 1.2, 1.2, 1.2, 1.2], 6, known)
    assert (found.kind, found.explanation, found.index) == (kind, f"{name} A → B", 6)
    assert not found.is_verdict


def test_one_odd_run_of_five_does_not_speak_for_the_commit():
    old, new = {"torch": "2.12"}, {"torch": "2.13"}
    known = [new, new, new, new, new, old, old, old, new, new]
    found = judged([1.2, 1.2, 1.2, 1.2, 1.0, 1.0, 1.0, 1.0, 1.2, 1.2], 8, known)
    assert found.kind is ChangeKind.CODE  # told from the first value: the level did not move
    change = Change(8, 1.0, 1.2, 0.001, True)
    values = points([1.2, 1.2, 1.2, 1.2, 1.0, 1.0, 1.0, 1.0, 1.2, 1.2])
    assert explained(change, (0, 10), known, values, 0.01).kind is ChangeKind.DEPENDENCY


def test_the_first_runs_of_a_new_circumstance_may_lie_before_the_change():
    """A run out of line just before the change has the new value, and the new level."""
    old, new = {"torch": "2.12"}, {"torch": "2.13"}
    found = judged([1.0, 1.0, 1.0, 1.0, 1.2, 1.2, 1.2], 5, [old] * 4 + [new] * 3)
    assert found.kind is ChangeKind.DEPENDENCY


def test_a_circumstance_that_changed_long_before_is_of_no_account():
    found = judged([1.0] * 10 + [1.2] * 10, 10, [{"torch": "2.12"}] * 4 + [{"torch": "2.13"}] * 16)
    assert found.kind is ChangeKind.CODE


def test_of_two_circumstances_the_one_that_the_level_follows_is_named():
    a, b = {"torch": "2.12", "numpy": "1"}, {"torch": "2.13", "numpy": "2"}
    known = [a, {**a, "numpy": "2"}, a, {**a, "torch": "2.13"}, a, b, b, b]
    found = judged([1.0, 1.0, 1.0, 1.2, 1.0, 1.2, 1.2, 1.2], 5, known)
    assert found.explanation == "torch 2.12 → 2.13"


LATER = [0, 1, 20, 3, 4, 21, 6, 7, 22, 23, 24]
"""Commits 2 and 5 were measured with the newest ones."""
FOLLOWS = [1.0, 1.0, 1.3, 1.0, 1.0, 1.3, 1.0, 1.0, 1.3, 1.3, 1.3]


@pytest.mark.parametrize(
    ("values", "index", "nights", "explanation"),
    [
        pytest.param(FOLLOWS, 8, LATER, "runs measured from 2026-01-21 on", id="it follows the night"),
        pytest.param(
            [1.3] * 6 + [1.0, 1.0, 1.3, 1.0, 1.3, 1.0], 6, [10, 11, 12, 13, 14, 15, 1, 2, 16, 3, 17, 4],
            "runs measured before 2026-01-11", id="newer commits measured before the night are as before",
        ),
        pytest.param(
            FOLLOWS, 8, [np.nan, np.nan, 20, np.nan, np.nan, 21, np.nan, np.nan, 22, 23, 24],
            "runs measured from 2026-01-21 on", id="results without a time are the oldest",
        ),
    ],
)  # fmt: skip
def test_a_level_that_follows_the_night_is_not_the_commit_s(values, index, nights, explanation):
    """Nothing is recorded that changed."""
    found = judged(values, index, nights=nights)
    assert (found.kind, found.explanation) == (ChangeKind.UNRECORDED, explanation)


@pytest.mark.parametrize(
    ("values", "nights"),
    [
        pytest.param([1.0] * 8 + [1.3] * 3, LATER, id="older commits measured later are as before"),
        pytest.param([1.0, 1.0, 1.3, *[1.0] * 5, 1.3, 1.3, 1.3], [0, 1, 20, *range(3, 8), 22, 23, 24],
                     id="one run measured later does not speak for the night"),
        pytest.param([1.0] * 8 + [1.3] * 8, range(16, 0, -1), id="a history measured backwards is as good as any"),
        pytest.param([1.0] * 8 + [1.3, 1.0, 1.0, 1.3, 1.3, 1.3], range(14), id="two runs out of line are no night"),
        # Commits by date may lie in another order than git's, in which asv measured them one after the other.
        pytest.param(FOLLOWS, [night / 240 for night in LATER], id="a session that went on changed no machine"),
        pytest.param([1.0, 1.3, 1.3, 1.0, 1.0, 1.3, 1.0, 1.0, 1.3, 1.0, 1.3, 1.3, 1.0, 1.3], [*LATER, 25, 26, 27],
                     id="of a noisy series two runs do not speak for a night"),
        pytest.param(FOLLOWS, None, id="no times at all"),
        pytest.param(FOLLOWS, [np.nan] * 11, id="times that nobody knows"),
    ],
)  # fmt: skip
def test_a_change_at_the_eighth_commit_stays_with_it(values, nights):
    assert judged(values, 8, nights=nights).kind is ChangeKind.CODE
