import numpy as np

from tbp.figures.flame import FlameBars, flame_figure


def bars(parent, self_us, step_us=0.0, names=None) -> FlameBars:
    size = len(parent)
    names = names or [f"f{row}" for row in range(size)]
    return FlameBars(np.array(parent), names, np.array(self_us, dtype=float), ["red"] * size, [""] * size, step_us)


def drawn(figure):
    (bar,) = figure.data
    rows = zip(bar.text, bar.y, bar.base, bar.x, strict=True)
    return [(name, level, round(1e3 * left, 6), round(1e3 * width, 6)) for name, level, left, width in rows]


def test_a_frame_lies_in_the_one_that_called_it_beside_its_neighbours() -> None:
    figure = flame_figure(bars([-1, 0, 0, -1, 1], [1, 2, 3, 4, 5], step_us=20), "t")
    assert drawn(figure) == [
        ("step", 0, 0, 20),
        ("f0", 1, 0, 11),
        ("f1", 2, 0, 7),
        ("f2", 2, 7, 3),
        ("f3", 1, 11, 4),
        ("f4", 3, 0, 5),
    ]
    assert figure.data[0].hovertext[1] == "f0<br>11.0 µs, 55 % of the step"


def test_a_step_is_as_long_as_what_is_in_it() -> None:
    assert drawn(flame_figure(bars([-1, -1], [3, 4], step_us=2), "t"))[0] == ("step", 0, 0, 7)


def test_a_frame_without_time_is_not_drawn_and_one_below_zero_takes_nothing_away() -> None:
    assert drawn(flame_figure(bars([-1, 0, 0], [-1, 2, 0]), "t")) == [
        ("step", 0, 0, 2),
        ("f0", 1, 0, 2),
        ("f1", 2, 0, 2),
    ]


def test_hostile_names_stay_letters() -> None:
    (bar,) = flame_figure(bars([-1], [1], names=["<b>%{x}\u202e"]), "<i>").data
    assert bar.text[1] == "&lt;b&gt;&#37;{x}\ufffd"
    assert bar.hovertext[1].startswith("&lt;b&gt;&#37;{x}\ufffd<br>")
