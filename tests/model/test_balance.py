"""The state machine, one literal row after the other of the table in docs/explanation/states.md."""

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.history.acknowledged import marked
from tbp.history.states import state
from tbp.model.balance import Balance, balance
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, History, State
from tbp.model.series import Better, SeriesKey
from tbp.wording.words import signed_percent

from ..histories import points

NOISE = 0.003  # three times this is less than the 1 % that two levels may be apart and still be the same
ACCEPTED, SUSPECT = {"acknowledged": "worth it"}, {"confirmed": False, "p_value": 0.2}
TORCH, HOST = {"kind": ChangeKind.DEPENDENCY}, {"kind": ChangeKind.HARDWARE}


def walked(*levels: float, **of: dict[str, object]) -> tuple[Change, ...]:
    """A change between each two of ``levels``, called A, B, …; keywords say what is different of one of them."""
    names = "ABCDEFGH"
    return tuple(
        replace(Change(10 * (at + 1), before, after, 0.0001, True), **of.get(names[at], {}))  # type: ignore[arg-type]
        for at, (before, after) in enumerate(pairwise(levels))
    )


def history(changes: tuple[Change, ...], better: Better = Better.LOWER, **of: object) -> History:
    evidence, key = tuple(map(ChangeEvidence, changes)), SeriesKey("suite.time_it", (), "box", "env")
    measured = tuple(points([1.0] * 90))
    return History(key, "seconds", better, measured, State.NO_CHANGE, evidence, noise_between=NOISE, **of)  # type: ignore[arg-type]


def outcome(history: History) -> tuple[str, str, str, float]:
    """(state, the change it is told for, the changes that make the balance, the balance)."""
    total, step = history.balance, history.standing_change
    names = ["ABCDEFGH"[index] for index in (total.standing, *total.parts)]
    return state(history.points, total).value, names[0], "".join(names[1:]), round(step.effect, 3)


ROWS = [
    # A regression stands until the level before it is back.
    ((1.00, 1.42), {}, ("regression", "A", "A", 0.42)),
    ((1.00, 1.42, 1.39), {}, ("regression", "A", "AB", 0.39)),
    ((1.00, 1.42, 1.39, 1.20), {}, ("regression", "A", "ABC", 0.2)),
    ((1.00, 1.42, 1.00), {}, ("recovered", "B", "AB", -0.296)),
    ((1.00, 1.42, 1.20, 1.00), {}, ("recovered", "C", "ABC", -0.167)),
    ((1.00, 1.42, 0.80), {}, ("improvement", "B", "AB", -0.2)),
    ((1.00, 1.42, 1.00, 0.90), {}, ("improvement", "C", "C", -0.1)),
    ((1.00, 1.42, 1.00, 1.10), {}, ("regression", "C", "C", 0.1)),
    # Several accumulate, told for the largest; the newest is undone first.
    ((1.00, 1.20, 1.50), {}, ("regression", "B", "AB", 0.5)),
    ((1.00, 1.05, 2.00, 1.90), {}, ("regression", "B", "ABC", 0.9)),
    ((1.00, 1.20, 1.50, 1.20), {}, ("regression", "A", "ABC", 0.2)),
    ((1.00, 1.20, 1.50, 1.30), {}, ("regression", "A", "ABC", 0.3)),
    ((1.00, 1.20, 1.50, 1.10), {}, ("regression", "A", "ABC", 0.1)),
    ((1.00, 1.20, 1.50, 1.00), {}, ("recovered", "C", "ABC", -0.333)),
    # It counts against the best level before it.
    ((1.00, 0.50), {}, ("improvement", "A", "A", -0.5)),
    ((1.00, 0.50, 0.40), {}, ("improvement", "B", "B", -0.2)),
    ((1.00, 0.50, 0.55), {}, ("regression", "B", "B", 0.1)),
    ((1.00, 0.50, 1.00), {}, ("regression", "B", "B", 1.0)),
    ((1.00, 0.50, 0.55, 0.50), {}, ("recovered", "C", "BC", -0.091)),
    # What is not the code's doing neither repairs nor causes one.
    ((1.00, 1.42, 0.71), {"B": HOST}, ("regression", "A", "A", 0.42)),
    ((1.00, 1.42, 0.71, 0.50), {"B": HOST}, ("recovered", "C", "AC", -0.296)),
    ((1.00, 1.42, 0.71, 0.60), {"B": HOST}, ("regression", "A", "AC", 0.2)),
    ((1.00, 2.00, 1.00), {"A": TORCH}, ("improvement", "B", "B", -0.5)),
    ((1.00, 2.00, 2.20), {"A": TORCH}, ("regression", "B", "B", 0.1)),
    # What is suspect changes nothing, but that a level that is back is back.
    ((1.00, 1.42, 1.00), {"B": SUSPECT}, ("recovered", "B", "AB", -0.296)),
    ((1.00, 1.42, 1.20), {"B": SUSPECT}, ("regression", "A", "A", 0.42)),
    ((1.00, 1.42, 1.00, 1.20), {"B": SUSPECT}, ("regression", "C", "C", 0.2)),
    ((1.00, 1.42, 1.20, 1.10), {"B": SUSPECT}, ("regression", "A", "AC", 0.1)),
    # What is accepted raises the reference.
    ((1.00, 1.50), {"A": ACCEPTED}, ("acknowledged", "A", "A", 0.5)),
    ((1.00, 1.20, 1.50), {"B": ACCEPTED}, ("regression", "A", "A", 0.2)),
    ((1.00, 1.20, 1.50), {"A": ACCEPTED}, ("regression", "B", "B", 0.25)),
    ((1.00, 1.20, 1.50), {"A": ACCEPTED, "B": ACCEPTED}, ("acknowledged", "B", "AB", 0.5)),
    ((1.00, 1.20, 1.50, 1.80), {"B": ACCEPTED}, ("regression", "A", "AC", 0.44)),
    ((1.00, 1.20, 1.50, 1.30), {"B": ACCEPTED}, ("regression", "A", "A", 0.2)),
    ((1.00, 1.20, 1.50, 1.20), {"A": ACCEPTED}, ("recovered", "C", "BC", -0.2)),
    ((1.00, 1.50, 1.40), {"A": ACCEPTED}, ("improvement", "B", "B", -0.067)),
    ((1.00, 1.50, 1.00), {"A": ACCEPTED}, ("recovered", "B", "AB", -0.333)),
]


@pytest.mark.parametrize(("levels", "of", "expected"), ROWS)
def test_the_table_of_states(levels, of, expected) -> None:
    assert outcome(history(walked(*levels, **of))) == expected


@pytest.mark.parametrize(("levels", "of", "expected"), ROWS)
def test_where_more_is_better_it_is_the_same_upside_down(levels, of, expected) -> None:
    """Rates are the inverse of times."""
    turned = history(walked(*(1 / level for level in levels), **of), Better.HIGHER)
    found = outcome(turned)
    assert found[:3] == expected[:3]
    assert 1 / (1 + found[3]) - 1 == pytest.approx(expected[3], abs=0.005)


@pytest.mark.parametrize(
    ("levels", "since", "expected"),
    [
        ((1.00, 1.42, 1.39), 0, ("regression", "A", "AB", 0.39)),
        ((1.00, 1.42, 1.39), 11, ("improvement", "B", "B", -0.021)),
        ((1.00, 1.42, 1.00), 11, ("improvement", "B", "B", -0.296)),
        ((1.00, 0.50, 0.55), 11, ("regression", "B", "B", 0.1)),
        ((1.00, 1.20, 1.50, 1.30), 11, ("regression", "B", "BC", 0.083)),
        ((1.00, 1.20, 1.50, 1.20), 11, ("recovered", "C", "BC", -0.2)),
    ],
)
def test_only_changes_after_the_base_count(levels, since, expected) -> None:
    assert outcome(history(walked(*levels), since=since)) == expected


OF = {"accepted": ACCEPTED, "suspect": SUSPECT, "dependency": TORCH, "hardware": HOST}


def documented() -> list[tuple[str, str, str]]:
    """The rows of the table in docs/explanation/states.md whose examples are levels."""
    text = (Path(__file__).parents[2] / "docs" / "explanation" / "states.md").read_text("utf-8")
    section = text.partition("\n## States\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (\d[^|]*?) \| ([^|]*?) \| ([^|]*?) \|$", section, re.MULTILINE)


def test_the_documented_table_is_what_happens() -> None:
    rows = documented()
    assert len(rows) == len(ROWS) + 4  # and those with a base
    for number, (levels, expected, words) in enumerate(rows):
        steps, _, bracket = levels.partition(" (")
        names, _, cause = bracket.rstrip(")").partition(": ")
        changes = walked(*map(float, steps.split(" → ")), **{name: OF[cause] for name in names.split(", ") if name})
        own = history(changes, since=11 if number >= len(ROWS) else 0)
        total, step = own.balance, own.standing_change
        assert state(own.points, total).value == expected, levels
        if size := re.match(r"([+−][\d.]+ %) (?:since|at) ([A-H])", words):
            assert size.groups() == (signed_percent(step.effect), "ABCDEFGH"[total.since]), levels


def test_without_a_change_of_the_code_there_is_no_balance() -> None:
    assert history(walked(1.0, 1.42, A=HOST)).balance is None
    assert history(walked(1.0, 1.42, A=SUSPECT)).balance is None
    assert history(walked(1.0, 1.42), since=11).balance is None


def test_a_direction_that_nobody_knows_makes_nothing_better_or_worse() -> None:
    found = balance(walked(1.0, 1.42, 1.39), worse=0, noise=NOISE)
    assert found == Balance(standing=1, parts=(1,), reference=1.42, level=1.39, first=1.0, is_directed=False)
    assert outcome(history(walked(1.0, 1.42, 1.0), Better.UNKNOWN)) == ("changed", "B", "B", -0.296)


@pytest.mark.parametrize(
    ("levels", "noise", "relevant", "is_back"),
    [
        ((1.00, 1.42, 1.009), NOISE, 0.0, True),  # no more than 1 % is left
        ((1.00, 1.42, 1.02), NOISE, 0.0, False),
        ((1.00, 1.42, 1.02), 0.007, 0.0, True),  # within three times the noise
        ((1.00, 1.42, 1.02), 0.006, 0.0, False),
        ((1.00, 1.42, 1.02), math.nan, 0.0, False),
        ((1.00, 1.42, 1.10), 0.05, 0.0, True),
        ((1.00, 1.42, 1.12), 0.05, 0.0, False),  # more than a quarter of the 42 %
        ((1.00, 1.42, 1.12), 0.05, 0.15, True),  # the project does not want to know
        ((1.00, 1.02, 1.009), NOISE, 0.0, True),  # what is left would not be told by itself
        ((1.00, 1.42, 0.80), NOISE, 0.25, True),  # no improvement for this project
    ],
)
def test_what_counts_as_back(levels, noise, relevant, is_back) -> None:
    found = balance(walked(*levels), 1, noise, relevant)
    assert found.is_recovery is is_back


@pytest.mark.parametrize(
    ("levels", "is_back"),
    [
        ((1000, 1010, 1000), True),
        ((1000, 1010, 1004), False),  # exactly known not to be back, though within 1 %
        ((1000, 1010, 1002), False),  # nor this, though it is less than a quarter of the change
        ((1000, 1010, 990), False),  # better than before
        ((1000, 1010, 1005, 1000), True),
        ((0, 5, 0), True),
        ((0, 5, 1), False),
        ((0, 5, -3), False),  # beyond
    ],
)
def test_a_counter_is_exact(levels, is_back) -> None:
    found = balance([replace(change, p_value=0.0) for change in walked(*levels)], 1, 0.0)
    assert found.is_recovery is is_back


def test_levels_beyond_any_ratio_have_a_balance_too() -> None:
    found = balance(walked(1e-300, 1e300, 1e-200, 1e300), 1, NOISE)
    assert found.regressions == (0, 2)


def test_levels_that_are_not_positive_are_carried_by_differences() -> None:
    found = balance(walked(-1.0, 1.0, 3.0, 1.0, B=HOST), 1, NOISE)
    levels = {"reference": 1.0, "level": 1.0, "first": 1.0}
    assert found == Balance(2, (0, 2), **levels, is_recovery=True, recoveries=(2,), undone=((0, 2),))


def test_levels_that_are_not_positive_are_summed_by_differences() -> None:
    found = balance(walked(-3.0, -2.0, -1.0, -0.5, B=ACCEPTED), 1, NOISE)
    assert (found.reference, found.level, found.standing) == (-2.0, -0.5, 0)  # accepted is the step of 1 in the middle
    assert balance(walked(-3.0, -2.0, 0.0), 1, NOISE).standing == 1  # the larger one


def test_a_level_of_zero_is_carried_by_differences() -> None:
    found = balance(walked(1.0, 2.0, 0.0, 3.0, B=HOST), 1, NOISE)
    assert (found.first, found.level) == (-1.0, 3.0)
    assert found.regressions == (0, 2)


def test_the_balance_knows_the_regressions_that_stand_and_the_gain_before_them() -> None:
    found = balance(walked(2.0, 1.0, 1.2, 1.5, 1.8, 1.7, C=ACCEPTED), 1, NOISE)
    assert (found.regressions, found.accepted, found.gains) == ((1, 3), (2,), (0,))
    assert (found.first, found.level) == (2.0, 1.7)
    assert found.reference == pytest.approx(1.7 / 1.2 / (1.7 / 1.5))  # the accepted 1.2 → 1.5 raises it from 1.0
    assert found.parts == (1, 3, 4)


def test_a_change_is_marked_that_brings_the_level_back_and_no_more() -> None:
    own = marked(history(walked(1.0, 1.42, 1.39, 1.0, 1.5, 0.8, 0.9, 0.8)))
    assert [what.change.is_recovery for what in own.changes] == [False, False, True, False, False, False, True]
    own = marked(replace(history(walked(1.0, 1.42, 1.0)), since=15))
    assert [what.change.is_recovery for what in own.changes] == [False, False]  # the regression is of no account
