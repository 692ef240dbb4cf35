"""What is news in a night: literal histories of one value per commit, and the note between two nights."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.history.already_reported import NAME, Reported, first_reported, news, untold
from tbp.model.changes import Change, ChangeEvidence, History, State
from tbp.model.series import Better, SeriesKey

from ..histories import points

KEY = SeriesKey("suite.track_calls", (("n", "1"),), "box", "env")


def history(*regressed_at: int, key: SeriesKey = KEY) -> History:
    """Thirty runs, with a level twice as high from each of these places on."""
    levels = [2.0**step for step in range(len(regressed_at) + 1)]
    found = zip(regressed_at, pairwise(levels), strict=True)
    changes = tuple(ChangeEvidence(Change(i, before, after, 0.0, confirmed=True)) for i, (before, after) in found)
    return History(key, "calls", Better.LOWER, tuple(points([1.0] * 30)), State.REGRESSION, changes)


@pytest.mark.parametrize(
    ("reported_at", "regressed_at", "is_news"),
    [
        ([], [20], True),
        ([20], [20], False),
        ([20], [20, 25], True),  # another one on top of it
        ([20], [23], False),  # later runs moved it
        ([20], [26], True),  # too far away to be the same
        ([20], [18, 20], False),  # later runs showed an earlier part of it
        ([20], [10, 20], True),  # nobody heard of the older one
        ([10, 20], [10, 20], False),
    ],
)
def test_news_is_what_was_not_reported_there_or_close_by(
    reported_at: Sequence[int], regressed_at: Sequence[int], is_news: bool
):
    before = {Reported(KEY, f"{i:040}") for i in reported_at}
    standing = history(*regressed_at)
    assert news([standing], before) == ([standing] if is_news else [])


def test_a_regression_of_which_a_part_is_undone_is_no_news():
    own = history(20)
    better = ChangeEvidence(Change(25, 2.0, 1.5, 0.0, confirmed=True))
    partly = replace(own, changes=(*own.changes, better))
    assert news([partly], {Reported(KEY, f"{20:040}")}) == []
    assert news([partly], set()) == [partly]


def test_another_series_is_another_regression():
    other = history(20, key=SeriesKey("suite.track_calls", (("n", "2"),), "box", "env"))
    assert news([other], {Reported(KEY, f"{20:040}")}) == [other]


def test_what_was_accepted_is_news_once_it_no_longer_is(tmp_path: Path):
    standing = history(20)
    accepted = tuple(replace(what, change=replace(what.change, acknowledged="worth it")) for what in standing.changes)
    assert first_reported([standing], tmp_path) == [standing]
    assert first_reported([], tmp_path, [replace(standing, changes=accepted)]) == []
    assert first_reported([standing], tmp_path) == [standing]
    assert first_reported([standing], tmp_path) == []


def test_what_a_night_reported_the_next_one_does_not(tmp_path: Path):
    one, other = history(20), history(5, key=SeriesKey("suite.time_it", (), "box", "env"))
    assert first_reported([one], tmp_path) == [one]
    assert first_reported([one, other], tmp_path) == [other]
    assert first_reported([one, other], tmp_path) == []
    assert first_reported([], tmp_path) == []
    assert first_reported([one, other], tmp_path) == [], "one that was away for a night is no news"
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("note", ["", "[]", '{"format": 2, "reported": []}', '{"format": 1, "reported": [1]}'])
def test_a_damaged_note_is_an_alarm_too_many_rather_than_one_too_few(tmp_path: Path, note: str):
    (tmp_path / NAME).write_text(note)
    one = history(20)
    assert first_reported([one], tmp_path) == [one]
    assert json.loads((tmp_path / NAME).read_text())["format"] == 1


def test_without_a_note_nothing_is_untold_as_all_may_be_old(tmp_path: Path):
    standing = history(20)
    assert not untold(tmp_path)(standing, standing.changes[0].change)


@pytest.mark.parametrize(("regressed_at", "is_untold"), [(20, False), (23, False), (26, True)])
def test_a_regression_is_untold_unless_one_close_by_was_reported(tmp_path: Path, regressed_at: int, is_untold: bool):
    first_reported([history(20)], tmp_path)
    standing = history(regressed_at)
    assert untold(tmp_path)(standing, standing.changes[0].change) is is_untold


def test_an_improvement_is_never_told_at_night(tmp_path: Path):
    first_reported([history(20)], tmp_path)
    assert not untold(tmp_path)(history(5), Change(5, 2.0, 1.0, 0.0, confirmed=True))
