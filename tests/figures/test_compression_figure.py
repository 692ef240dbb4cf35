from tbp.figures.compression import FRONT, OTHER, TWIN, Axis, Spot, compression_figure, front


def spots(*places: tuple[float, float], kind: str = FRONT) -> list[Spot]:
    return [Spot(x, y, f"v{number}", kind, f"v{number}: cheap") for number, (x, y) in enumerate(places)]


def test_the_line_of_the_front_falls_and_leaves_out_what_is_beaten_in_this_chart() -> None:
    """The second is on the front for a quantity that is not drawn."""
    assert [spot.name for spot in front(spots((1.0, 5.0), (2.0, 6.0), (3.0, 1.0)))] == ["v0", "v2"]
    assert [spot.name for spot in front([*spots((1.0, 5.0)), *spots((2.0, 1.0), kind=OTHER)])] == ["v0"]


def test_each_kind_has_its_mark_and_each_variant_its_text() -> None:
    both = [*spots((1.0, 5.0), (3.0, 1.0)), Spot(9.0, 9.0, "<twin>", TWIN, "<twin>: the same")]
    line, drawn, twin = compression_figure(Axis("ms"), Axis("MiB"), both).data
    assert (line.x, line.line.shape) == ((1.0, 3.0), "hv")
    assert (drawn.x, drawn.y, drawn.text) == ((1.0, 3.0), (5.0, 1.0), ("v0", "v1"))
    assert (twin.marker.symbol, twin.hovertext) == ("x-thin-open", ("&lt;twin&gt;: the same",))


def test_a_linear_axis_begins_at_zero_and_a_logarithmic_one_has_its_own_words() -> None:
    axis = Axis("relative error", is_log=True, text=lambda value: f"{value:.0%}")
    layout = compression_figure(Axis("ms"), axis, spots((1.0, 0.01), (2.0, 1.0))).layout
    assert layout.xaxis.range[0] == 0
    assert layout.xaxis.title.text == "ms (less is better)"
    assert (layout.yaxis.tickvals, layout.yaxis.ticktext) == ((0.01, 0.1, 1.0), ("1%", "10%", "100%"))


def test_names_of_neighbours_go_to_different_sides_and_none_covers_a_mark() -> None:
    (drawn,) = compression_figure(Axis("ms"), Axis("MiB"), spots((5.0, 5.0), (5.1, 5.0), kind=OTHER)).data
    assert set(drawn.textposition) == {"middle left", "middle right"}


def test_a_name_without_room_is_left_to_the_hover() -> None:
    (drawn,) = compression_figure(Axis("ms"), Axis("MiB"), spots(*[(5.0, 5.0)] * 12, kind=OTHER)).data
    assert "" in drawn.text
    assert len(drawn.hovertext) == 12
