"""Factors in words: literal cells, literal texts."""

import math

import pytest
from msgspec.structs import replace

from tbp.claims.claim_words import (
    amount,
    demand_text,
    factor_text,
    interval_text,
    outcome_text,
    spread_text,
    to_run,
    values_text,
)
from tbp.claims.practice_cell import Basis, PracticeCell
from tbp.model.series import Better

from .claimed import judged, practice, timed, tracked

CELL = judged(practice(), [timed("sdpa", 1e-3, ratio=(0.5, 0.4, 0.625))]).cells[0]


@pytest.mark.parametrize(
    ("fields", "text", "interval"),
    [
        ({}, "2.00 × faster than naive", "99 % CI 1.60–2.50"),
        ({"factor": 0.5, "low": 0.4, "high": 0.625}, "2.00 × slower than naive", "99 % CI 1.60–2.50"),
        (
            {"factor": 1.1, "low": 0.8, "high": 1.5},
            "1.10 × faster than naive",
            "99 % CI 1.25 × slower to 1.50 × faster",
        ),
        ({"factor": 1.001, "low": 1.0, "high": 1.002}, "as fast as naive", "99 % CI 1.00–1.00"),
        ({"low": math.nan, "high": math.nan}, "2.00 × faster than naive", ""),
        ({"unit": "bytes", "basis": Basis.EXACT}, "2.00 × smaller than naive", ""),
        ({"unit": "errors"}, "2.00 × less than naive", "99 % CI 1.60–2.50"),
        ({"unit": "images/s", "better": Better.HIGHER}, "2.00 × more than naive", "99 % CI 1.60–2.50"),
        ({"factor": math.inf, "high": math.inf}, "faster than naive, and one of them is 0", ""),
        ({"factor": math.nan}, "–", "99 % CI 1.60–2.50"),
    ],
)
def test_a_factor_says_its_direction(fields: dict[str, object], text: str, interval: str) -> None:
    cell: PracticeCell = replace(CELL, **fields)
    assert factor_text(cell, "naive") == text
    if not math.isnan(cell.factor):
        assert interval_text(cell) == interval


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, ""),
        ({"at_least": 2.0}, "at least 2 × faster"),
        ({"at_least": 0.8}, "at most 1.25 × slower"),
        ({"at_least": 4.0, "measure": "peak_bytes"}, "at least 4 × smaller"),
        ({"at_least": 4.0, "measure": "error"}, "at least 4 × better"),
    ],
)
def test_a_demand_is_said_in_the_direction_of_its_measure(fields: dict[str, object], text: str) -> None:
    assert demand_text(judged(practice(**fields), [])) == text


def test_a_demand_has_the_words_of_what_was_measured() -> None:
    series = [tracked("peakmem_step", name, 8.0, 8.0) for name in ("sdpa", "naive")]
    assert demand_text(judged(practice(measure="peakmem", at_least=0.8), series)) == "at most 1.25 × larger"


def test_a_share_may_be_some_points_worse() -> None:
    shares = [tracked("track_error_rate", name, value, unit="share of wrong answers")
              for name, value in (("sdpa", 0.0741), ("naive", 0.0739))]  # fmt: skip
    result = judged(practice(measure="error_rate", within=0.01), shares)
    assert (demand_text(result), spread_text(result)) == ("at most 1 point worse", "7.39 % → 7.41 %")


def test_several_cells_are_a_span() -> None:
    fast, faster = (
        timed("sdpa", ratio=(ratio, ratio, ratio), width=width) for ratio, width in ((0.5, "1"), (0.25, "2"))
    )
    assert spread_text(judged(practice(), [fast, faster])) == "2.00 to 4.00 × faster than naive, 2 cells"
    assert spread_text(judged(practice(), [])) == ""


def test_values_and_outcomes_have_their_units() -> None:
    assert values_text(CELL) == "2.00 ms → 1.00 ms"
    assert amount(4_194_304, "bytes of a tensor") == "4.00 MiB"
    assert (amount(0.16, "share of the steps"), amount(1.7e-4, "share of x")) == ("16 %", "0.00017")
    assert (amount(3.0, "errors"), amount(1.7e-4, "error")) == ("3", "0.00017")
    assert outcome_text(1.0, 0.0, "raised errors") == "raised errors: naive 1, right 0"


def test_one_command_measures_all_that_is_unknown() -> None:
    unknown = [judged(practice(benchmarks=name), []) for name in ("decode.*", "attention.*", "attention_of_lengths.*")]
    assert to_run(unknown) == "asv run --bench '^(decode|attention)' 'HEAD^!'"
    assert to_run([judged(practice(), [])]) == "asv run 'HEAD^!'"
    assert to_run([judged(practice(benchmarks="x'; rm -rf /"), [])]) == "asv run --bench '^(x)' 'HEAD^!'"
    assert to_run([judged(practice(), [timed("sdpa", ratio=(0.5, 0.4, 0.6))])]) == ""
