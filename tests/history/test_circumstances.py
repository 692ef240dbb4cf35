"""Breaks of a series and the changes they explain."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from tbp.history.circumstances import (
    NUMBER,
    RunCircumstances,
    breaks,
    circumstances,
    numbers,
    of_no_commit,
    surroundings,
    with_number,
)
from tbp.history.explanations import explained
from tbp.model.changes import Change, ChangeKind
from tbp.model.series import Outcome

from ..histories import points

NAN = float("nan")
OLD, NEW = {"torch": "2.12"}, {"torch": "2.13"}


def judged(runs: Sequence[Mapping[str, str]], index: int, noise: float = 0.01, step: float = 1.2) -> Change:
    values = [1.0] * index + [step] * (len(runs) - index)
    return explained(Change(index, 1.0, step, 0.001, True), (0, len(runs)), runs, points(values), noise)


def test_circumstances_are_named_in_words():
    known = circumstances(
        python="3.11", requirements="numpy=1.26;torch=2.13;six=", hardware="cpu=A;num_cpu=2;os=Linux 6"
    )
    assert known == {
        "numpy": "1.26", "torch": "2.13", "python": "3.11", "processor": "A", "cores": "2", "system": "Linux 6",
    }  # fmt: skip
    assert circumstances(requirements="torch=2.13", torch="2.13.1+cpu") == {"torch": "2.13.1+cpu"}


def test_a_break_is_where_the_last_known_value_ends():
    found = breaks([OLD, {}, OLD, NEW, {**NEW, "processor": "A"}, {**NEW, "processor": "B"}])
    assert [(one.index, one.kind, one.explanation) for one in found] == [
        (3, ChangeKind.DEPENDENCY, "torch 2.12 → 2.13"),
        (5, ChangeKind.HARDWARE, "processor A → B"),
    ]
    assert all(at.comparable for at in found)  # the values beside it; a version of the benchmark ends that


@pytest.mark.parametrize("index", [4, 6])
def test_a_clear_change_beside_a_break_is_the_code_s(index: int):
    assert judged([OLD] * 5 + [NEW] * 5, index).kind is ChangeKind.CODE


def test_a_change_that_noise_blurs_is_moved_to_the_break_beside_it():
    found = judged([OLD] * 5 + [NEW] * 5, 6, noise=0.15)
    assert (found.kind, found.index) == (ChangeKind.DEPENDENCY, 5)


def test_a_processor_that_goes_back_and_forth_explains_nothing():
    runs = [{"processor": name} for name in "ABABAABABB"]
    assert judged(runs, 5).kind is ChangeKind.CODE
    assert judged(runs, 6).kind is ChangeKind.CODE


@pytest.mark.parametrize(
    ("number", "value", "known"),
    [
        ([100, 100, 10], [1.0, 1.0, 1.0], ["100", "100", "10"]),  # samples ten times shorter
        ([100, 100, 10], [1.0, 1.0, 10.0], ["100"] * 3),  # a step ten times slower in samples of one length
        ([100, 60, 130], [1.0, 1.0, 1.0], ["100"] * 3),  # calibration
        ([NAN, 100, NAN], [1.0, 1.0, 1.0], [None, "100", "100"]),
        ([100, 100, 10], [1.0, 0.0, 1.0], ["100", "100", "10"]),
    ],
)
def test_number_counts_only_when_samples_become_another_length(
    number: list[float], value: list[float], known: list[str | None]
):
    runs = [RunCircumstances({}, *both) for both in zip(number, value, strict=True)]
    assert [run.get(NUMBER) for run in with_number(runs)] == known


@pytest.mark.parametrize(
    ("number", "value", "known"),
    [
        ([100, 100, 10, 10], [1.0] * 4, ((0, "100"), (2, "10"))),
        ([100, 10, 100], [1.0] * 3, ((0, "100"), (1, "10"), (2, "100"))),
        ([NAN, 100, 10], [1.0] * 3, ((1, "100"), (2, "10"))),
        ([100, 100, 10], [1.0, 1.0, 10.0], ()),  # a slower step
        ([100, 60, 130], [1.0] * 3, ()),  # calibration
        ([100, 10], [1.0, NAN], ()),  # the second run failed
        ([NAN, NAN], [1.0, 1.0], ()),
        ([], [], ()),
    ],
)
def test_numbers_are_told_only_where_they_change(
    number: list[float], value: list[float], known: tuple[tuple[int, str], ...]
):
    assert numbers(np.array(number, np.float64), np.array(value, np.float64)) == known


def test_a_commit_may_change_a_dependency_and_no_machine():
    known = {"torch": "2.13", "python": "3.13", "processor": "A", "threads": "2", "machine's rack": "7", "gpu": "1.2"}
    assert of_no_commit(known) == {"processor": "A", "threads": "2", "machine's rack": "7"}


def test_only_three_circumstances_are_named():
    old = dict.fromkeys("abcde", "1")
    (found,) = breaks([old, dict.fromkeys("abcde", "2")])
    assert found.explanation == "a 1 → 2, b 1 → 2, c 1 → 2, 2 more"


def test_what_was_not_measured_is_passed_over():
    measured = points([1.0] * 4 + [1.2] * 4)
    measured[4] = replace(measured[4], outcome=Outcome.FAILED, value=NAN)
    runs = [OLD] * 4 + [{}] + [NEW] * 3
    found = explained(Change(5, 1.0, 1.2, 0.001, True), (0, 8), runs, measured, 0.01)
    assert (found.kind, found.index) == (ChangeKind.DEPENDENCY, 5)


def test_surroundings_are_of_the_runs_next_to_the_change_what_changed_first():
    runs = [
        {"numpy": "1", "python": "3.12", "threads": "1"},
        {"numpy": "1", "python": "3.13", "threads": "1"},
        {"numpy": "2", "python": "3.13", "cores": "8"},
        {"numpy": "3", "python": "3.13", "threads": "1"},
    ]
    found = surroundings(Change(2, 1.0, 2.0, 0.01, True), (0, 4), runs)
    assert [(one.name, one.before, one.after, one.is_changed) for one in found] == [
        ("numpy", "1", "2", True),
        ("threads", "1", "1", False),
        ("python", "3.13", "3.13", False),
        ("cores", "", "8", False),
    ]
