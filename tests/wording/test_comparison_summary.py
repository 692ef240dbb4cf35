"""One sentence and one exit code for a whole comparison."""

from collections.abc import Callable

import pytest

from tbp.errors import ExitCode
from tbp.model.comparison import Comparison, Judgement
from tbp.wording.phrases import ORDER, exit_code, sentence

Make = Callable[..., Comparison]


def of(states: str) -> list[Judgement]:
    """R, I, U, F, N, S → judgements of these states."""
    by_letter = {state.name[0]: state for state in ORDER}
    return [
        Judgement(f"b{i}", (), by_letter[letter], effect=0.01 * (i + 1), reason=letter)
        for i, letter in enumerate(states)
    ]


def test_the_sentence_counts_and_names_the_largest_regression(comparison: Comparison):
    assert sentence(comparison) == (
        "2 regressions, 1 improvement, 1 undecided, 1 failed in 6 benchmarks; "
        "the largest is attention.Quick.torchtime_step (variant=sdpa): +6.1 % slower (99 % CI 5.2–7.0)"
    )


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ("NN", "No regression in 2 benchmarks"),
        ("NNS", "No regression in 2 benchmarks"),
        ("NU", "No regression, 1 undecided in 2 benchmarks"),
        ("NI", "No regression, 1 improvement in 2 benchmarks; it is b1: +2.0 % slower"),
        ("UU", "Cannot tell: 2 undecided of 2 benchmarks"),
        ("UFS", "Cannot tell: 1 undecided, 1 failed of 2 benchmarks"),
        ("S", "Nothing was compared: 1 benchmark skipped"),
        ("", "Nothing was compared"),
    ],
)
def test_the_sentence_without_a_regression(states: str, words: str, comparison_of: Make):
    assert sentence(comparison_of(*of(states))) == words


@pytest.mark.parametrize(
    ("states", "strict", "code"),
    [
        ("RFUN", True, ExitCode.REGRESSION),
        ("FUN", True, ExitCode.NOTHING_MEASURED),
        ("S", False, ExitCode.NOTHING_MEASURED),
        ("", False, ExitCode.NOTHING_MEASURED),
        ("UN", True, ExitCode.UNDECIDED),
        ("UN", False, ExitCode.OK),
        ("INS", True, ExitCode.OK),
    ],
)
def test_the_exit_code_is_that_of_the_worst(states: str, strict: bool, code: ExitCode, comparison_of: Make):
    assert exit_code(comparison_of(*of(states)), strict) is code
