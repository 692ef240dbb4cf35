"""The curve of a schedule: its rates over the steps, and names that are hostile text."""

from tbp.figures.schedule import ScheduleCurve, schedule_figure


def test_a_curve_has_a_rate_for_each_step() -> None:
    figure = schedule_figure([ScheduleCurve("linear", (0.0, 0.5, 0.25, 0.0))])
    (line,) = figure.data
    assert (line.x, line.y) == ((0, 1, 2, 3), (0.0, 0.5, 0.25, 0.0))
    assert not figure.layout.showlegend


def test_a_thinned_curve_stays_at_its_steps() -> None:
    (line,) = schedule_figure([ScheduleCurve("linear", (0.0, 0.5, 0.25), every=10)]).data
    assert line.x == (0, 10, 20)


def test_several_curves_have_a_legend_of_harmless_names() -> None:
    figure = schedule_figure([ScheduleCurve("a", (1.0,)), ScheduleCurve("<a href='x'>b", (1.0,))])
    assert figure.layout.showlegend
    assert "<" not in figure.data[1].name
    assert figure.data[0].line.color != figure.data[1].line.color
