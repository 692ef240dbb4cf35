"""One look for all charts: plotly knows it, it is the style sheet's, and nothing is sent anywhere."""

import hashlib
import json
import re
from importlib.resources import files

import plotly.graph_objects as go
import pytest

from tbp.figures.look import CONFIG, DARK, LIGHT, disarmed, faded, look, shared, shipped, template

STATIC = files("tbp.report").joinpath("static")

# Files of others as they were published, by their SHA-256.
# plotly-basic.min.js of plotly.js 4.1.1 as npm has it in plotly.js-basic-dist-min 4.1.1, whose tarball is
# sha512-1oNF8PeQx2hv/… (shasum 27ea39207030c3e2f5c2d64d9b1366ca59cab97e). Another version is another digest here.
# The notices are those of the packages that its modules come from, as decision 0011 has it.
VENDORED = {
    "plotly-basic.min.js": "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba",
    "plotly-LICENSE.txt": "8c45d9eaf50c2f72dd9c7ab9ef440788ba58a3538484b5c51c1f17d5128752e7",
    "plotly-NOTICES.txt": "40cc82a2e9e185247ca6791b8c9488ee40abe50ad6e32bc17284aadbadbba159",
}


def test_what_others_wrote_is_as_they_published_it() -> None:
    files_of_others = {path.name: path.read_bytes() for path in STATIC.joinpath("vendor").iterdir()}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files_of_others.items()} == VENDORED


@pytest.mark.parametrize("package", ["@plotly/d3", "d3-format", "d3-time", "culori", "gl-mat4", "maplibre-gl"])
def test_the_notices_name_every_package_of_the_bundle(package: str) -> None:
    notices = STATIC.joinpath("vendor", "plotly-NOTICES.txt").read_text("utf-8")
    packages = re.findall(r"^={78}\n(\S+) \d\S* \(\S+\)$", notices, re.MULTILINE)
    assert package in packages
    assert len(packages) == 22
    assert notices.lower().count("copyright") >= 22


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
