"""The time of a night, with a clock of the test's own."""

import time

import pytest

from tbp.nightly import budget
from tbp.nightly.budget import NightBudget, OutOfBudget


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(budget, "time", fake)
    return fake


def test_no_commit_begins_that_would_take_longer_than_there_is_time(clock: Clock):
    night = NightBudget(3600, paired_s=600)
    assert (night.left_s, night.for_commits_s) == (3600, 3000)
    for _ in range(2):
        assert night.has_room
        with night.commit():
            clock.now_s += 1200
    assert night.for_commits_s == 600
    assert not night.has_room
    clock.now_s += 9999
    assert (night.left_s, night.for_commits_s) == (0, 0)


def test_a_short_night_keeps_a_third_for_pairs(clock: Clock):
    assert NightBudget(900, paired_s=600).for_commits_s == 600


def test_a_night_without_an_end_has_room_for_ever(clock: Clock):
    night = NightBudget()
    with night.commit():
        clock.now_s += 1e9
    assert night.has_room


def test_a_commit_that_takes_longer_is_interrupted():
    night = NightBudget(0.05)
    with pytest.raises(OutOfBudget), night.commit():
        time.sleep(60)
