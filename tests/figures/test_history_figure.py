import math

import pytest
from msgspec.structs import replace

from tbp.figures.history import axis_scale, axis_title, axis_unit, history_figure
from tbp.figures.levels import Level, levels, reach, version_breaks
from tbp.figures.look import BETTER_COLOUR, NEUTRAL_COLOUR, WORSE_COLOUR
from tbp.model.changes import Change, ChangeEvidence, ChangeKind, State
from tbp.model.points import columns
from tbp.model.series import Better

from ..histories import of_two_versions

NAN = math.nan


def traces(figure, name):
    return [trace for trace in figure.data if trace.meta == name]


def test_a_series_is_a_band_a_line_its_runs_and_its_changes(make_history) -> None:
    figure = history_figure([make_history((1e-3, 1e-3, 1e-3, 1.2e-3, 1.3e-3))], ["sdpa"])
    assert [trace.meta for trace in figure.data] == ["band", "level", "points", "changes"]
    (line,) = traces(figure, "level")
    assert line.x == (-0.4, 2.4, None, 2.6, 4.4, None)
    assert line.y == pytest.approx((1.0, 1.0, None, 1.25, 1.25, None))
    (points,) = traces(figure, "points")
    assert points.y.tolist() == pytest.approx([1.0, 1.0, 1.0, 1.2, 1.3])
    assert points.error_y.array.tolist() == pytest.approx([0.01, 0.01, 0.01, 0.012, 0.013])
    assert points.text[0] == "1.00 ms<br>quartiles 990 µs – 1.01 ms<br>00c0ffee · 2026-05-01 12:00 UTC"
    (change,) = traces(figure, "changes")
    assert (change.x, change.marker.color, change.marker.symbol) == ((3,), (WORSE_COLOUR,), ("triangle-up",))
    assert change.text[0].startswith("<b>▲ +30 % slower</b><br>1.00 ms → 1.30 ms")
    assert figure.layout.yaxis.title.text == "time per call in ms, lower is better"
    assert [shape.x0 for shape in figure.layout.shapes] == [2.5]
    assert [label.text for label in figure.layout.annotations] == ["<b>▲ +30 %</b> 03c0ffee"]


def test_a_break_is_a_line() -> None:
    figure = history_figure([of_two_versions()], [""])
    assert [shape.x0 for shape in figure.layout.shapes] == [1.5]
    (other,) = traces(figure, "other version")
    assert (other.x.tolist(), other.marker.color) == ([0, 1], NEUTRAL_COLOUR)


def test_several_series_share_a_legend_and_the_first_is_on_top(make_history) -> None:
    near, far = make_history((1.0, 1.1), State.NO_CHANGE), make_history((1.0, 1.1), State.NO_CHANGE, machine="n")
    figure = history_figure([near, far], ["near", "<far>"])
    shown = [(trace.name, trace.legendgroup) for trace in figure.data if trace.showlegend]
    assert shown == [("&lt;far&gt;", "1"), ("near", "0")]
    assert [trace.meta for trace in figure.data[:2]] == ["band", "band"]


def test_a_hollow_triangle_is_suspect(make_history, make_change) -> None:
    history = make_history((1.0, 1.0, 1.1, 1.1), changes=(make_change(2, 1.0, 1.1, confirmed=False),))
    figure = history_figure([history], [""])
    (change,) = traces(figure, "changes")
    assert (change.marker.symbol, ", suspect</b>" in change.text[0]) == (("triangle-up-open",), True)
    assert not figure.layout.shapes


def test_a_dark_figure_is_dark(make_history) -> None:
    assert history_figure([make_history()], [""], is_dark=True).layout.template.layout.paper_bgcolor == "#101418"


def test_levels_are_split_at_changes_suspects_included(make_history, make_change) -> None:
    changes = (make_change(2, 1.0, 2.0), make_change(4, 2.1, 4.0, confirmed=False), make_change(99, 1.0, 9.0))
    history = make_history((1.0, 1.0, 2.0, 2.2, 4.0, NAN), changes=changes)
    assert levels(history) == [Level(0, 1, 1.0), Level(2, 3, 2.1), Level(4, 5, 4.0)]
    assert reach(history, levels(history)) == pytest.approx(0.042)
    assert reach(replace(history, noise_between=NAN), levels(history)) == 0.0


def test_runs_of_another_version_have_no_level() -> None:
    assert levels(of_two_versions()) == [Level(2, 3, 1.0)]
    assert version_breaks(of_two_versions()) == [2]


def test_a_band_holds_95_of_100_runs_whatever_their_noise(make_history) -> None:
    values = [1.0] * 30 + [1.1] * 4 + [1.4] * 2  # nearly all the same: their robust spread is 0
    quiet = replace(make_history(tuple(values), changes=()), noise_between=0.0)
    assert reach(quiet, levels(quiet)) == pytest.approx(0.4)
    quiet = replace(quiet, points=quiet.points[:-1])
    assert reach(quiet, levels(quiet)) == pytest.approx(0.1)


@pytest.mark.parametrize("values", [(), (NAN, NAN), (math.inf, 1.0), (0.0, 0.0), (1e-320, 1e300), (-1e308, 1e308)])
def test_no_value_is_too_strange_to_be_drawn(make_history, values) -> None:
    history_figure([make_history(values, State.NO_CHANGE)], [""]).to_json()


@pytest.mark.parametrize(
    ("series", "scale"),
    [
        ([(1.0, 1.0)], "linear"),
        ([(1.0, 30.0)], "log"),
        ([(1.0,), (30.0,)], "relative"),
        # In per cent a step of a factor in one of them would leave the others flat.
        ([(1.0, 1.05, 1.0, 1.05), (1.0, 1.0, 8.0, 8.0)], "log"),
        ([(1.0, 1.0, 8.0, 8.0), (1e6, 1e6)], "relative"),
        ([(0.0, 1.0, 30.0)], "linear"),
        ([()], "linear"),
    ],
)
def test_series_far_apart_start_as_changes_and_a_wide_one_on_a_logarithmic_axis(make_history, series, scale) -> None:
    histories = [make_history(values, State.NO_CHANGE) for values in series]
    assert axis_scale([columns(history.points).value for history in histories]) == scale


def test_the_axis_names_its_unit_and_what_is_better(make_history) -> None:
    tokens = make_history((100.0,), State.NO_CHANGE, unit="tokens/s", better=Better.HIGHER)
    assert axis_title(tokens, axis_unit([tokens])) == "value in tokens/s, higher is better"
    plain = make_history((5e6,), State.NO_CHANGE, unit="unit", better=Better.UNKNOWN)
    assert axis_title(plain, axis_unit([plain])) == "value in M"


def test_a_change_with_a_dependency_is_neither_worse_nor_better(make_history) -> None:
    moved = Change(3, 1.0, 1.2, 0.001, True, ChangeKind.DEPENDENCY, "torch 2.12 → 2.13")
    assert moved.merit(Better.LOWER) == 0
    assert replace(moved, kind=ChangeKind.CODE).merit(Better.LOWER) == 1
    assert replace(moved, kind=ChangeKind.CODE).merit(Better.HIGHER) == -1
    assert replace(moved, kind=ChangeKind.CODE, is_recovery=True).merit(Better.HIGHER) == 0
    for change, colour in ((moved, NEUTRAL_COLOUR), (replace(moved, kind=ChangeKind.CODE, after=0.8), BETTER_COLOUR)):
        figure = history_figure([make_history((1.0,) * 5, changes=(ChangeEvidence(change),))], [""])
        assert figure.layout.shapes[0].line.color == colour
