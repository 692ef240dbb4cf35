from tbp.figures.growth import GrowthLine, growth_figure


def test_each_line_is_drawn_over_the_sizes_on_logarithmic_axes() -> None:
    lines = [
        GrowthLine("variant=<math>", (64.0, 1024.0), (1e-3, 16e-3)),
        GrowthLine("variant=sdpa", (64.0, 1024.0), (1e-3, 4e-3)),
    ]
    figure = growth_figure("length", lines, "seconds")
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert (figure.layout.xaxis.tickvals, figure.layout.xaxis.ticktext) == ((64.0, 1024.0), ("64", "1024"))
    assert figure.layout.yaxis.title.text == "ms"
    first = figure.data[0]
    assert (first.name, first.meta) == ("variant=&lt;math&gt;", "variant=<math>")
    assert (first.x, first.y) == ((64.0, 1024.0), (1.0, 16.0))
    assert first.text[1] == "variant=&lt;math&gt;<br>length 1024<br>16.0 ms"
    assert list(first.customdata) == ["1.00 ms", "16.0 ms"]


def test_one_line_needs_neither_a_name_nor_a_legend() -> None:
    figure = growth_figure("n", [GrowthLine("", (1.0, 2.0, 4.0), (3.0, 6.0, 12.0))], "<unit>")
    assert figure.data[0].text[0] == "n 1<br>3 &lt;unit&gt;"
    assert figure.layout.yaxis.title.text == "&lt;unit&gt;"
    assert not figure.layout.showlegend
