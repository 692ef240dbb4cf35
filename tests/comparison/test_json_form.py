"""The comparison as JSON and back."""

import json
from collections.abc import Callable
from math import isnan

import pytest

from tbp.comparison.json_form import from_json, to_json
from tbp.errors import UnreadableInput
from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement

Make = Callable[..., Comparison]


def no_constant(name: str) -> object:
    raise AssertionError(f"{name} is no JSON")


def test_the_fields_are_those_of_format_1(comparison: Comparison):
    content = json.loads(to_json(comparison), parse_constant=no_constant)
    assert content["format"] == 1
    assert set(content) == {
        "format", "sentence", "counts", "confidence", "project", "method", "machine", "environment",
        "baseline", "contender", "seconds", "notes", "judgements",
    }  # fmt: skip
    assert content["counts"]["regression"] == 2
    assert content["baseline"] == {"revision": "main", "commit": "0" * 40, "subject": ""}
    assert content["judgements"][0] == {
        "benchmark": "attention.Quick.torchtime_step",
        "parameters": [["variant", "sdpa"]],
        "state": "regression",
        "unit": "seconds",
        "better": "lower",
        "before": 0.0041,
        "after": 0.00435,
        "effect": 0.061,
        "low": 0.052,
        "high": 0.07,
        "p_value": 0.0001,
        "evidence": 12,
        "reason": "",
        "operators": ["aten::masked_fill_ 0 → 4 calls (+0.25 ms)"],
    }


def test_what_is_no_number_is_null_and_comes_back_as_nan(comparison_of: Make):
    text = to_json(comparison_of(Judgement("b", (), State.REGRESSION, before=0.0, effect=float("inf"))))
    assert json.loads(text, parse_constant=no_constant)["judgements"][0]["effect"] is None
    assert isnan(from_json(text).judgements[0].effect)


def test_it_comes_back_the_same(comparison: Comparison, hostile: Comparison):
    for one in (comparison, hostile):
        back = from_json(to_json(one))
        assert to_json(back) == to_json(one)
        assert back.judgements[0] == one.judgements[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no comparison"),
        ("[]", "no comparison"),
        ('{"format": 2}', "format 2"),
        ('{"format": 1}', "no comparison"),
        ('{"format": 1, "seconds": 1, "judgements": [{}]}', "no comparison"),
    ],
)
def test_what_is_no_comparison_is_refused(text: str, words: str):
    with pytest.raises(UnreadableInput, match=words):
        from_json(text)
