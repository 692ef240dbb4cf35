"""Names of machines by a project's rules: which rule holds, and a name that is safe wherever it goes."""

import re

import pytest

from tbp.asv.fleet import named_facts
from tbp.errors import UsageError
from tbp.project.machine_rules import MOST_NAME, machine_rule, rule_of

INTEL = "Intel(R) Xeon(R) CPU @ 2.20GHz"


def named(name: str, **facts: str) -> str:
    return machine_rule("here", ".", name).called(facts)


@pytest.mark.parametrize("fact", ["{processor}", "{Processor}", "{ processor }", "{cpu}"])
def test_a_fact_is_known_by_the_name_that_readers_see_and_by_asv_s(fact: str):
    assert named(f"hosted {fact}", processor=INTEL) == f"hosted {INTEL}"


def test_any_key_of_machine_json_is_a_fact():
    facts = named_facts("cpu=EPYC;instance_type=c7i.large")
    rule = machine_rule("here", ".", "{processor} {machine's instance_type}")
    assert rule.called(facts) == "EPYC c7i.large"
    assert rule.called({}) == "unknown unknown"


def test_a_fact_that_the_run_lacks_is_unknown():
    assert named("{GPU} of {processor}", processor="", cores="4") == "unknown of unknown"


@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        ("{GPU} {{", "{GPU} {{"),  # it is no rule
        ("a\nb\tc", "a b c"),
        ("../../x\\y", "..-..-x-y"),
        ("\"quoted\" 'it' `x` | <b>", "\"quoted\" 'it' `x` | <b>"),  # of each target's escaping
        ("\u202egnp\x1b[31m", "\ufffdgnp\ufffd[31m"),
        ("\ud800", "\ufffd"),
    ],
)
def test_a_name_is_one_visible_line_whatever_a_fact_holds(fact: str, shown: str):
    assert named("m {processor}", processor=fact, GPU="no") == f"m {shown}"


def test_long_names_are_cut_and_stay_apart():
    names = {named("{processor}", processor="x" * 150 + end) for end in "ab"}
    assert [len(name) for name in names] == [MOST_NAME, MOST_NAME]


def test_the_first_rule_that_finds_the_identifier_holds():
    rules = [machine_rule("here", pattern, name) for pattern, name in (("^fv-az", "pool"), ("az", "any"))]
    holding = [rule_of(rules, identifier) for identifier in ("fv-az1", "my-fv-az1", "box")]
    assert [rule and rule.name for rule in holding] == ["pool", "any", None]
    refused = [machine_rule("here", "^fv-az1$", False), *rules]
    assert [rule_of(refused, identifier) is None for identifier in ("fv-az1", "fv-az12")] == [True, False]


@pytest.mark.parametrize(
    ("pattern", "name", "words"),
    [
        ("^fv", "hosted {prozessor}", "'^fv' names 'prozessor'; the facts are processor, cores, memory, architecture"),
        ("^fv", "hosted {}", "names ''; the facts are"),
        ("^fv", "hosted {processor", "has a brace too many: braces are around facts, as {processor}"),
        ("^fv", "{{processor}}", "has a brace too many"),
        ("^fv", 1, "must be a text with a letter or digit in it, and at most 200 characters, or false, not 1"),
        ("^fv", " .. ", "must be a text with a letter or digit"),
        ("^fv", "x" * 201, "must be a text"),
        ("(", "x", "is no regular expression"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused(pattern: str, name: object, words: str):
    with pytest.raises(UsageError, match=re.escape(words)) as refused:
        machine_rule("pyproject.toml: [tool.tbp.machines]", pattern, name)
    assert str(refused.value).startswith("pyproject.toml: [tool.tbp.machines] ")


def test_a_pattern_that_takes_too_long_is_stopped():
    rule = machine_rule("here", "^(a+)+$", "x")
    with pytest.raises(UsageError, match="without repetitions of repetitions"):
        rule_of([rule], "a" * 60 + "b")
