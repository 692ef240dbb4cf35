"""The line of a series: whole coordinates over the width, a gap where there is no value."""

from tbp.report.parts.sparkline import Sparkline


def test_a_line_begins_again_after_a_gap() -> None:
    spark = Sparkline((0, None, 48, 48), changes=(2,), ups=(True,))
    assert spark.line == "M8 56l0 0M211 8l101 0"
    assert spark.line is spark.line
    assert spark.dots == ((211, 8),)
    assert spark.marks == ((211, 8, True),)
    assert spark.last == (312, 8)


def test_a_single_value_is_a_point_and_none_is_no_line() -> None:
    assert Sparkline((48,)).line == "M8 8l0 0"
    assert Sparkline().line == ""
    assert Sparkline((1, 2)) == Sparkline((1, 2))
