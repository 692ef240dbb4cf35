"""A judgement in words."""

from math import inf, nan

import pytest
from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement
from tbp.model.series import Better
from tbp.wording import phrases


@pytest.mark.parametrize(
    ("judgement", "words"),
    [
        (Judgement("b", (), State.REGRESSION, effect=0.061, low=0.052, high=0.07), "+6.1 % slower (99 % CI 5.2–7.0)"),
        (Judgement("b", (), State.IMPROVEMENT, effect=-0.06, low=-0.07, high=-0.05),
         "−6.0 % faster (99 % CI −7.0 to −5.0)"),
        (Judgement("b", (), State.REGRESSION, "x", Better.HIGHER, effect=-0.1, low=-0.2, high=-0.05),
         "−10 % lower (worse) (99 % CI −20 to −5.0)"),
        (Judgement("b", (), State.REGRESSION, "calls", effect=0.5), "+50 % higher (worse)"),
        (Judgement("b", (), State.REGRESSION, "bytes", before=0, after=8, effect=inf), "from 0 larger"),
        (Judgement("b", (), State.CHANGED, "%", Better.UNKNOWN, 61.0, 64.0, effect=0.049, low=0.034, high=0.064),
         "+3.0 points higher (99 % CI 2.1–3.9 points)"),
        (Judgement("b", (), State.REGRESSION, "%", before=0.0, after=8.0), "+8.0 points higher (worse)"),
        # Not known to have changed: no direction.
        (Judgement("b", (), State.UNDECIDED, effect=0.04, low=-0.02, high=0.1), "+4.0 % (99 % CI −2.0 to 10)"),
        (Judgement("b", (), State.FAILED), ""),
    ],
)  # fmt: skip
def test_effect(judgement: Judgement, words: str):
    assert phrases.effect(judgement) == words


def test_evidence_is_pairs_in_turns_and_processes_from_results():
    judgement = Judgement("b", (), State.NO_CHANGE, evidence=12)
    assert phrases.evidence(judgement, phrases.MEASURED_IN_TURNS) == "12 pairs"
    assert phrases.evidence(judgement, phrases.FROM_STORED_RESULTS) == "12 processes"
    assert phrases.evidence(replace(judgement, evidence=0), phrases.MEASURED_IN_TURNS) == ""


def test_levels_have_units_and_stay_on_one_line():
    judgement = Judgement("b", (), State.NO_CHANGE, "two\nlines", before=1.0, after=nan)
    assert phrases.before_after(judgement) == "1 two lines → –"


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (ComparedCommit("main", "0123456789"), "main (01234567)"),
        (ComparedCommit("0123", "0123456789"), "01234567"),
        (ComparedCommit(".", ""), "."),
    ],
)
def test_a_side_is_named_as_the_user_did(side: ComparedCommit, words: str):
    assert phrases.judged(side) == words


def test_the_context_says_what_where_and_how_long(comparison: Comparison):
    assert phrases.context(comparison) == (
        "main (00000000) → HEAD (11111111), measured in turns on ci (py3.11) in 92 s"
    )


def test_rows_of_a_benchmark_stand_together_in_the_order_of_the_first():
    rows = tuple(Judgement(name, (), State.NO_CHANGE) for name in "bab")
    assert [(name, len(own)) for name, own in phrases.by_benchmark(rows)] == [("b", 2), ("a", 1)]
