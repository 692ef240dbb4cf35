"""One look for all charts: plotly knows it, it is the style sheet's, and nothing is sent anywhere."""

import hashlib
import json
import re
from importlib.resources import files

import plotly.graph_objects as go
import pytest

from tbp.figures.look import CONFIG, DARK, LIGHT, disarmed, faded, look, shared, shipped, template

STATIC = files("tbp.report").joinpath("static")

# plotly-basic.min.js of plotly.js 4.1.1 as npm has it in plotly.js-basic-dist-min 4.1.1, whose tarball is
# sha512-1oNF8PeQx2hv/… (shasum 27ea39207030c3e2f5c2d64d9b1366ca59cab97e). Another version is another digest here.
PLOTLY_SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"


def test_plotly_is_the_published_bundle_unmodified() -> None:
    bundle = STATIC.joinpath("vendor", "plotly-basic.min.js").read_bytes()
    assert hashlib.sha256(bundle).hexdigest() == PLOTLY_SHA256


def test_nothing_may_be_sent_to_a_service() -> None:
    assert CONFIG["showSendToCloud"] is False
    assert CONFIG["plotlyServerURL"] == ""


def test_what_all_charts_share_is_small_and_known_to_plotly() -> None:
    text = json.dumps(shared())
    assert len(text) < 1500
    go.Layout(json.loads(text)["layout"])


@pytest.mark.parametrize(("theme", "side"), [(LIGHT, 1), (DARK, 2)])
def test_a_figure_in_a_notebook_has_the_colours_of_the_report(theme, side) -> None:
    style = STATIC.joinpath("base", "style.css").read_text("utf-8")
    variables = {pair[0]: pair[side] for pair in re.findall(r"--(\w+): light-dark\((#\w{6}), (#\w{6})\)", style)}
    assert {name: getattr(theme, name) for name in theme.__struct_fields__} == {
        name: variables[name] for name in theme.__struct_fields__
    }
    drawn = template(is_dark=theme is DARK).layout
    assert (drawn.font.color, drawn.paper_bgcolor) == (theme.text, theme.page)


def test_sixty_four_series_can_be_told_apart() -> None:
    assert len({look(number) for number in range(64)}) == 64


def test_nothing_in_a_text_is_plotly_s_markup() -> None:
    assert disarmed("<b>&%{x}") == "&lt;b&gt;&amp;&#37;{x}"


def test_a_shipped_figure_leaves_the_template_at_home() -> None:
    figure = go.Figure(go.Scatter(x=[1], y=[2]), layout={"template": template(), "height": 300})
    assert shipped(figure) == {"data": [{"type": "scatter", "x": [1], "y": [2]}], "layout": {"height": 300}}


def test_a_faded_colour_is_one_of_plotly_s() -> None:
    assert faded("#0f83c4", 0.17) == "rgba(15,131,196,0.17)"
