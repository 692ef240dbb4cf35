"""The table on a terminal."""

from collections.abc import Callable

from msgspec.structs import replace

from tbp.comparison.table import MOST_ROWS, table
from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement
from tbp.wording.words import shortened

Make = Callable[..., Comparison]


def test_the_verdict_comes_first_and_the_states_follow(comparison: Comparison):
    lines = table(comparison, width=200).splitlines()
    assert lines[0].startswith("2 regressions, 1 improvement")
    titles = [line for line in lines if line.endswith(")") and line[0] in "✖✔~!="]
    assert titles == [
        "✖ Regressions (2)", "✔ Improvements (1)", "~ Undecided (1)", "! Failed (1)",
        "= 1 no change   ∅ 1 skipped   (--verbose lists them)",
    ]  # fmt: skip


def test_rows_stand_under_their_benchmark_with_the_operators_below(comparison: Comparison):
    text = table(comparison, width=120)
    assert (
        "  attention.Quick.torchtime_step\n"
        "    variant=sdpa  4.10 ms → 4.35 ms  +6.1 % slower (99 % CI 5.2–7.0)  12 pairs  p < 0.001\n"
        "      aten::masked_fill_ 0 → 4 calls (+0.25 ms)\n"
        "    variant=math  4.10 ms → 4.35 ms  +3.1 % slower (99 % CI 2.2–4.0)  12 pairs  p < 0.001\n"
    ) in text


def test_verbose_lists_what_did_not_change(comparison: Comparison):
    assert "encoder.time_forward" not in table(comparison)
    assert "encoder.time_forward" in table(comparison, verbose=True)
    assert "no CUDA device" in table(comparison, verbose=True)


def test_80_columns_are_enough_whatever_the_names(comparison_of: Make, comparison: Comparison):
    long = Judgement(
        "a_package.a_module.A_Class" + ".method" * 20,
        (("first", "x" * 90), ("last", "y")),
        State.REGRESSION,
        "furlongs per fortnight per square yard",
        before=1.0, after=12345.0, effect=12344.0, low=10_000.0, high=20_000.0, p_value=0.0001, evidence=12,
        operators=("aten::" + "a" * 300,),
    )  # fmt: skip
    lines = table(comparison_of(long, *comparison.judgements), verbose=True, width=80).splitlines()
    assert max(map(len, lines)) <= 80


def test_colour_only_when_asked(comparison: Comparison):
    assert "\x1b" not in table(comparison)
    assert "\x1b[1;31m✖ Regressions (2)\x1b[0m" in table(comparison, colour=True)


def test_hostile_text_cannot_act(hostile: Comparison):
    text = table(hostile, verbose=True)
    assert not set(text) & set("\x1b\x00\u202e\ud800")
    assert max(map(len, text.splitlines())) <= 80


def test_a_reason_is_said_once_above_the_rows_that_share_it(comparison_of) -> None:
    """As 18 series of one project that had too few runs said in 18 sentences."""
    few = [Judgement(f"m.time_{i}", (), State.UNDECIDED, effect=0.1 + i / 100, reason="too few runs") for i in range(3)]
    odd = Judgement("m.time_odd", (), State.UNDECIDED, effect=0.05, reason="one odd run")
    lines = table(comparison_of(*few, odd)).splitlines()
    start = lines.index("~ Undecided (4)")
    assert lines[start:] == [
        "~ Undecided (4)",
        "  m.time_odd", "    +5.0 %", "      one odd run",
        "  too few runs:",
        "  m.time_2", "    +12 %",
        "  m.time_1", "    +11 %",
        "  m.time_0", "    +10 %",
    ]  # fmt: skip


def test_a_flood_of_undecided_is_counted(comparison_of: Make):
    rows = [Judgement(f"b{i}", (), State.UNDECIDED, effect=0.1, reason="too noisy") for i in range(MOST_ROWS + 5)]
    text = table(comparison_of(*rows))
    assert "… and 5 more (--verbose lists them)" in text
    assert text.count("too noisy") == 1  # said once where it is the same for all
    assert "… and" not in table(comparison_of(*rows), verbose=True)
    regressions = [replace(row, state=State.REGRESSION) for row in rows]
    assert "… and" not in table(comparison_of(*regressions))


def test_a_long_name_loses_its_middle():
    assert shortened("attention.Quick.torchtime_step", 11) == "atten…_step"
    assert shortened("short", 5) == "short"
