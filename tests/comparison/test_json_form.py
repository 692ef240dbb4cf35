"""The comparison as JSON."""

import json

from tbp.comparison.json_form import to_json
from tbp.model.comparison import Comparison


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
