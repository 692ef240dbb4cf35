"""Rules for names of operators in [tool.tbp.names]."""

from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.project.name_rules import name_rule
from tbp.project.policy import read_policy


def policy_file(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(text)
    return path


def test_a_rule_is_read(tmp_path: Path) -> None:
    path = policy_file(tmp_path, "[tool.tbp.names]\n'^request_\\d+$' = \"request\"\n'^plan_\\w+$' = \"plan {n}\"\n")
    rules = read_policy(path).names
    assert [(rule.pattern.pattern, rule.replacement) for rule in rules] == [
        (r"^request_\d+$", "request"),
        (r"^plan_\w+$", "plan {n}"),
    ]


@pytest.mark.parametrize(
    ("pattern", "replacement", "words"),
    [
        ("[", "x", "is no regular expression: unterminated character set"),
        ("\\", "x", "is no regular expression"),
        ("a*", "x", "matches nothing at all"),
        ("(a+)+$", "x", "a repeat or a choice inside a repeat"),
        ("(?:ab|a)+c", "x", "a repeat or a choice inside a repeat"),
        ("(?=(a+)+$)a", "x", "a repeat or a choice inside a repeat"),
        ("(a?){30}a{30}", "x", "a repeat or a choice inside a repeat"),
        ("x+y+z+", "x", "15,625,000 ways to match"),
        ("a{1,50}a{1,50}a{1,50}x", "x", "125,000 ways to match"),
        ("(a|aa)" * 16 + "b", "x", "65,536 ways to match"),
        ("a" * 201, "x", "has 201 characters"),
        ("a", "x" * 201, "has 201 characters"),
        (r"(\w+)_\d+", r"\2", "does not fit"),
        ("a", 3, "must be a text"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(pattern: str, replacement: object, words: str) -> None:
    with pytest.raises(UsageError, match=r"^here '") as refused:
        name_rule("here", pattern, replacement)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 450


@pytest.mark.parametrize("pattern", ["[[a]x", "[+--]x", "x[a||b]", "x[a&&b]", "(?=[a~~b])a"])
def test_a_set_that_other_languages_read_otherwise_is_no_remark_of_python_s(pattern: str) -> None:
    assert name_rule("here", pattern, "y").pattern.pattern == pattern


def test_the_table_is_bounded(tmp_path: Path) -> None:
    table = "".join(f'"^request{number}$" = "request"\n' for number in range(51))
    with pytest.raises(UsageError, match="has 51 rules, and at most 50"):
        read_policy(policy_file(tmp_path, f"[tool.tbp.names]\n{table}"))
    with pytest.raises(UsageError, match="must be a table"):
        read_policy(policy_file(tmp_path, "[tool.tbp]\nnames = 3\n"))


@pytest.mark.parametrize("pattern", [r"^request_\d+$", r"x(?:_\d+)?y", r"kernel_\d+_[0-9a-f]{8}", r"(\w+)-\d+", "a|b"])
def test_usual_patterns_are_allowed(pattern: str) -> None:
    assert name_rule("here", pattern, "x").pattern.pattern == pattern
