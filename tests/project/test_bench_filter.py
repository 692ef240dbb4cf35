"""Which benchmarks a ``--bench`` pattern finds."""

import re

import pytest

from tbp.errors import UsageError
from tbp.model.series import SeriesKey
from tbp.project.bench_filter import asv_patterns, bench_filter, exact_regex
from tbp.report.parts.addresses import bench_regex

VARIANT = (("width", "64"), ("variant", "sdpa"))


@pytest.mark.parametrize(
    ("pattern", "parameters", "is_found"),
    [
        ("time_step", (), True),
        ("time_step", VARIANT, True),
        (r"^attention\.time_step$", (), True),
        (r"^attention\.time_step$", VARIANT, False),  # as in asv: the name goes on with the parameters
        (r"\(64, sdpa\)$", VARIANT, True),
        (r"\(64, 'sdpa'\)$", VARIANT, True),  # asv's spelling
        (r"\('64'", VARIANT, False),
        (r"\(\)", (), False),
        ("(", (), False),
        ("time_step ", (), False),
        ("sdpa", VARIANT, True),
        ("^width", VARIANT, False),  # values, not names
        ("naive", VARIANT, False),
        (r"\(\{\[\]\}\)$", (("keys", "{[]}"),), True),  # no literal: a list is no key
        (r"\(0or 1\)$", (("width", "0or 1"),), True),  # of which Python has something to remark
    ],
)
def test_a_pattern_is_searched_as_asv_searches_it(pattern, parameters, is_found) -> None:
    assert bench_filter([pattern])("attention.time_step", parameters) is is_found


def test_one_pattern_of_several_is_enough_and_none_finds_all() -> None:
    assert bench_filter(["naive", "sdpa"])("attention.time_step", VARIANT)
    assert bench_filter([])("attention.time_step", VARIANT)


PRINTED = (
    "attention.time_step (width=64, variant=sdpa)",
    "attention.time_step(width=64, variant=sdpa)",
    "attention.time_step width=64, variant=sdpa",
    "attention.time_step width=64 variant=sdpa",
)


@pytest.mark.parametrize("name", PRINTED)
def test_a_name_as_tbp_prints_it_finds_that_series_here_and_in_asv(name: str) -> None:
    is_wanted = bench_filter([name])
    assert is_wanted("attention.time_step", VARIANT)
    assert not is_wanted("attention.time_step", (("width", "64"), ("variant", "sdpa_twin")))
    assert not is_wanted("attention.time_step", (("width", "640"), ("variant", "sdpa")))
    in_asv = [re.compile(pattern) for pattern in asv_patterns([name])]
    assert any(pattern.search("attention.time_step(64, 'sdpa')") for pattern in in_asv)
    assert not any(pattern.search("attention.time_step(64, 'sdpa_twin')") for pattern in in_asv)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("x[0]", True),
        ("x[", True),
        ("(n=[1, 2]", True),
        ("time_x[0] n=[1, 2]", True),
        ("n=[1, 2]", True),
        ("*", False),
        ("n=[1", True),
        ("n=[1, 2", True),
        ("n=[1,", True),
    ],
)
def test_brackets_are_plain_text_too(text: str, is_found: bool) -> None:
    assert bench_filter([text])("suite.time_x[0]", (("n", "[1, 2]"),)) is is_found


def test_a_value_is_whole() -> None:
    is_wanted = bench_filter(["n=1"])
    assert is_wanted("suite.time_x", (("n", "1"), ("m", "2")))
    assert not is_wanted("suite.time_x", (("n", "10"),))
    assert not is_wanted("suite.time_x", (("n", "1.5"),))


def test_asv_gets_regular_expressions_only() -> None:
    for pattern in asv_patterns(["time_x[", "time", "(", "a (n=1, t=x, y)", "*"]):
        re.compile(pattern)
    assert asv_patterns(["time_step", "^a$"]) == ["time_step", "^a$", r"\^a\$"]
    assert asv_patterns(["a (n=1, t=x, y)"])[-1] == exact_regex("a", ["1", "x, y"])
    assert asv_patterns([]) == []


def test_what_is_too_long_is_named() -> None:
    with pytest.raises(UsageError, match=r"--bench .* has 20,000 characters"):
        bench_filter(["time", "(" * 20_000])


@pytest.mark.parametrize("parameters", [(), VARIANT, (("text", "a(b) 'c'"),), (("x", ""),), (("line", "a\x1bb"),)])
def test_what_tbp_prints_finds_its_series_and_no_other(parameters) -> None:
    is_wanted = bench_filter([bench_regex(SeriesKey("attention.time_step", parameters, "box", "env"))])
    assert is_wanted("attention.time_step", parameters)
    assert not is_wanted("attention.time_steps", parameters)
    assert not is_wanted("my.attention.time_step", parameters)
    assert not (parameters and is_wanted("attention.time_step", (("variant", "naive"),)))
