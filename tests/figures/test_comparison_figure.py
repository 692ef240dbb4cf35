from math import nan

from tbp.figures.comparison import MOST_ROWS, comparison_figure
from tbp.figures.look import BETTER_COLOUR, WORSE_COLOUR
from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement


def comparison(*judgements: Judgement) -> Comparison:
    sides = ComparedCommit("main", "1" * 40), ComparedCommit("2222222", "2" * 40)
    return Comparison("p", *sides, "from stored results", judgements)


def judged(name: str, state: State, effect: float, half: float = 0.01, **fields) -> Judgement:
    interval = {"low": effect - half, "high": effect + half}
    return Judgement(name, (), state, before=1e-3, after=1e-3 * (1 + effect), effect=effect, **(interval | fields))


def test_an_effect_is_a_mark_with_its_interval_and_the_largest_is_on_top() -> None:
    slower, faster = judged("a", State.REGRESSION, 0.1), judged("b", State.IMPROVEMENT, -0.3)
    unsure = judged("c", State.UNDECIDED, 0.02, low=nan, high=nan)
    figure = comparison_figure(comparison(slower, faster, unsure))
    assert figure.layout.title.text == "main (11111111) → 22222222"
    assert figure.layout.yaxis.ticktext == ("c", "a", "b")
    worse, better, open_mark = figure.data
    assert ([round(x, 9) for x in worse.x], worse.y, worse.marker.color) == ([10], (1,), WORSE_COLOUR)
    assert ([round(x, 9) for x in better.x], better.y, better.marker.color) == ([-30], (2,), BETTER_COLOUR)
    assert [round(size, 9) for size in (*worse.error_x.array, *worse.error_x.arrayminus)] == [1, 1]
    assert (open_mark.error_x.array, open_mark.marker.symbol) == ((0.0,), "circle-open")
    assert worse.text == ("a<br>regression: +10 %, 99 % CI +9.0 to +11 %<br>1.00 ms → 1.10 ms",)


def test_what_has_no_effect_is_left_out() -> None:
    failed = judged("a", State.FAILED, nan)
    from_zero = judged("b", State.REGRESSION, nan)
    figure = comparison_figure(comparison(failed, from_zero, judged("c", State.NO_CHANGE, 0.0)))
    assert figure.layout.yaxis.ticktext == ("c",)
    assert comparison_figure(comparison()).data == ()


def test_the_smallest_of_many_are_left_out_and_counted() -> None:
    many = [judged(f"b{number:03d}", State.REGRESSION, number / 100) for number in range(1, MOST_ROWS + 41)]
    figure = comparison_figure(comparison(*many))
    assert len(figure.data[0].x) == MOST_ROWS
    assert figure.layout.yaxis.ticktext[0] == "b041"
    assert figure.layout.title.text.endswith(", the 60 largest of 100 effects")


def test_hostile_names_stay_letters() -> None:
    (mark,) = comparison_figure(comparison(judged("<b>%{x}\u202e", State.REGRESSION, 0.1))).data
    assert mark.text[0].startswith("&lt;b&gt;&#37;{x}\ufffd<br>")
