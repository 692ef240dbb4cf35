"""The comparison as a picture."""

from collections.abc import Callable
from xml.etree import ElementTree

from msgspec.structs import replace

from tbp.comparison.svg import LEFT, RIGHT, WIDTH, svg
from tbp.figures.comparison import MOST_ROWS
from tbp.figures.look import WORSE_COLOUR
from tbp.model.comparison import Comparison
from tbp.system.foreign_text import INVISIBLE

from .conftest import REGRESSION

SVG = "{http://www.w3.org/2000/svg}"


def drawn(comparison: Comparison) -> ElementTree.Element:
    return ElementTree.fromstring(svg(comparison))


def test_every_benchmark_with_an_effect_is_drawn_the_largest_on_top(comparison: Comparison):
    texts = [text.text for text in drawn(comparison).iter(f"{SVG}text")]
    assert texts[0].startswith("2 regressions, 1 improvement")
    assert texts[5:9] == [
        "model.track_bytes", "✔ −50 % smaller",
        "attention.Quick.torchtime_step (variant=sdpa)", "✖ +6.1 % slower (99 % CI 5.2–7.0)",
    ]  # fmt: skip
    assert "~ +4.0 % (99 % CI −2.0 to 10) undecided" in texts
    assert not any("train.time_step" in str(text) for text in texts), "what failed has no effect"


def test_an_effect_stands_inside_its_interval_right_of_the_middle_if_it_is_slower(
    comparison_of: Callable[..., Comparison],
):
    (group,) = drawn(comparison_of(REGRESSION)).iter(f"{SVG}g")
    line, circle = group
    ends, middle = [float(line.get(name, "")) for name in ("x1", "x2")], (LEFT + RIGHT) / 2
    assert group.get("fill") == WORSE_COLOUR
    assert middle < ends[0] < float(circle.get("cx", "")) < ends[1] == RIGHT


def test_hostile_texts_are_only_texts(hostile: Comparison):
    text = svg(hostile)
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(text).iter()}
    assert tags == {"svg", "title", "style", "rect", "text", "line", "g", "circle"}
    assert not INVISIBLE.search(text.replace("\n", ""))
    attributes = {name for element in ElementTree.fromstring(text).iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or "href" in name}


def test_a_picture_has_an_end(comparison_of: Callable[..., Comparison]):
    huge = replace(REGRESSION, effect=1.7e308, low=-1.7e308, high=float("inf"))
    root = drawn(comparison_of(*[REGRESSION] * 100, huge))
    assert len(list(root.iter(f"{SVG}g"))) == MOST_ROWS
    assert all(0 <= float(circle.get("cx", "")) <= WIDTH for circle in root.iter(f"{SVG}circle"))
    assert drawn(comparison_of()).find(f"{SVG}text").text == "Nothing was compared"
