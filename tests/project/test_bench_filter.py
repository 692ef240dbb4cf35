"""Which benchmarks a ``--bench`` pattern finds."""

import pytest

from tbp.errors import UsageError
from tbp.model.series import SeriesKey
from tbp.project.bench_filter import bench_filter
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
        ("sdpa", VARIANT, True),
        ("width", VARIANT, False),  # values, not names
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


def test_what_is_no_regular_expression_is_named() -> None:
    with pytest.raises(UsageError, match=r"--bench '\(' is no regular expression"):
        bench_filter(["time", "("])


@pytest.mark.parametrize("parameters", [(), VARIANT, (("text", "a(b) 'c'"),), (("x", ""),), (("line", "a\x1bb"),)])
def test_what_tbp_prints_finds_its_series_and_no_other(parameters) -> None:
    is_wanted = bench_filter([bench_regex(SeriesKey("attention.time_step", parameters, "box", "env"))])
    assert is_wanted("attention.time_step", parameters)
    assert not is_wanted("attention.time_steps", parameters)
    assert not is_wanted("my.attention.time_step", parameters)
    assert not (parameters and is_wanted("attention.time_step", (("variant", "naive"),)))
