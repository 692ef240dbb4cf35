"""The comment on a pull request, also when everything in it means harm."""

import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tbp.comparison.markdown import LIMIT, code, markdown
from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement

Make = Callable[..., Comparison]


def test_the_verdict_comes_first_then_the_tables(comparison: Comparison):
    text = markdown(comparison)
    assert text.startswith(
        "### 2 regressions, 1 improvement, 1 undecided, 1 failed in 6 benchmarks; the largest is `att"
    )
    assert (
        "| `attention.Quick.torchtime_step` | `variant=sdpa` | `4.10 ms → 4.35 ms` | +6.1 % slower (99 % CI 5.2–7.0)"
        "<br>`aten::masked_fill_ 0 → 4 calls (+0.25 ms)` | 12 pairs | p &lt; 0.001 |\n"
    ) in text
    assert "<details><summary>= No change (1)</summary>" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("variant=sdpa, n=256", "`variant=sdpa, n=256`"),
        ("a`b", "<code>a&#96;b</code>"),
        ("a|b", "<code>a&#124;b</code>"),
        ("\\", "<code>&#92;</code>"),
        ("@team", "<code>&#64;team</code>"),
        ("</details>", "<code>&#60;&#47;details&#62;</code>"),
        ("two\nlines", "`two lines`"),
        ("", ""),
        ("x" * 300, f"<code>{'x' * 199}&#8230;</code>"),
    ],
)
def test_foreign_text_is_code_that_cannot_end_itself(text: str, escaped: str):
    assert code(text) == escaped


def test_hostile_text_breaks_no_row_pings_nobody_and_closes_nothing(hostile: Comparison):
    text = markdown(hostile)
    bare = re.sub(r"<code>[^<>`|@\\\n]*</code>|`[^`|@\\<>\n]*`", "CODE", text)
    rows = [line for line in bare.splitlines() if line.startswith("| CODE")]
    assert len(rows) == 7
    assert {row.count("|") for row in rows} == {7}
    tags = re.findall(r"<[^>]*>", bare)
    assert set(tags) == {"<br>", "<details>", "</details>", "<summary>", "</summary>"}
    assert tags.count("<details>") == tags.count("</details>") == 2
    assert "@" not in bare
    assert "example" not in bare


def test_at_most_65000_characters_and_the_least_important_are_cut(comparison_of: Make, comparison: Comparison):
    regression, *_ = comparison.of(State.REGRESSION)
    steady = [Judgement(f"b{i}", (), State.NO_CHANGE, before=1.0, after=1.0, effect=0.0) for i in range(3000)]
    slower = [replace(regression, benchmark=f"slow{i}") for i in range(50)]
    text = markdown(comparison_of(*steady, *slower))
    assert len(text) <= LIMIT
    assert text.count("`slow") == 50 + 1  # all rows, and the verdict
    shown = len(re.findall(r"^\| `b\d+`", text, re.MULTILINE))
    assert 500 < shown < 3000
    assert f"{3000 - shown:,} rows left out" in text


def test_hostile_text_cannot_make_it_longer_either(hostile: Comparison):
    many = replace(hostile, judgements=hostile.judgements * 200, notes=("@" * 10_000,) * 50)
    text = markdown(many)
    assert len(text) <= LIMIT
    assert "rows left out" in text


def test_a_long_list_is_folded_but_regressions_are_not(comparison_of: Make, comparison: Comparison):
    one = comparison.of(State.UNDECIDED)[0]
    assert "<details>" not in markdown(comparison_of(*[one] * 10))
    assert "<details>" in markdown(comparison_of(*[one] * 11))
    assert "<details>" not in markdown(comparison_of(*[replace(one, state=State.REGRESSION)] * 11))
