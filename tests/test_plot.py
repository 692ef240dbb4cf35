"""The charts for notebooks, of results as asv stores them, and the examples that docs/how-to/notebooks.md shows."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

import tbp
from tbp.errors import UsageError
from tbp.figures.flame import REST_COLOUR
from tbp.figures.look import COLOURS

from .result_frames import frame_of

ATTENTION, MEMORY = "attention.Quick.torchtime_step", "feed_forward.Nightly.peakmem_step"
SUITE = "compressed_inference.Nightly"
RESULTS = Path(__file__).parent / "data" / "tinyformer" / "results"  # of eight real commits; the fourth one is slower
OLD, NEW = "0ba96705", "ed5bf5e8"
TRACES = [next(RESULTS.glob(f"vm/{commit}*/*/*.pt.trace.json.gz")) for commit in (OLD, NEW)]
COSTS = {"dense": (8e-3, 24e6, 1e-7), "int8": (4e-3, 6e6, 2e-3)}  # seconds, bytes, relative error


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Twenty nights: attention over three lengths, slower from the twelfth on; memory; two variants of a model."""
    rows: list[dict[str, object]] = []

    def add(night: int, benchmark: str, parameters: tuple[tuple[str, str], ...], value: float, unit: str) -> None:
        noisy = value * (1 + 0.004 * ((night * 7) % 5 - 2))
        rows.append(
            {
                "benchmark": benchmark, "parameters": parameters, "commit": f"{night:02d}" + "ab" * 19,
                "date": datetime(2026, 2, 20, tzinfo=UTC) + timedelta(days=night), "value": noisy,
                "q25": noisy * 0.99, "q75": noisy * 1.01, "unit": unit,
                "type": "time" if unit == "seconds" else "track",
            }
        )  # fmt: skip

    for night in range(20):
        for length in (64, 256, 1024):
            seconds = 1e-6 * length * (1.2 if night >= 12 else 1.0)
            add(night, ATTENTION, (("variant", "sdpa"), ("sequence_length", str(length))), seconds, "seconds")
        add(night, MEMORY, (), 3e8, "bytes")
        for name, (seconds, size, error) in COSTS.items():
            parameters = (("variant", name),)
            add(night, f"{SUITE}.torchtime_step", parameters, seconds, "seconds")
            add(night, f"{SUITE}.track_model_bytes", parameters, size, "bytes")
            add(night, f"{SUITE}.track_error", parameters, error, "relative error")
    return frame_of(rows)


def test_the_history_has_every_series_its_runs_and_what_moved(frame) -> None:
    figure = tbp.plot.history(frame, ATTENTION)
    names = {trace.name for trace in figure.data if trace.showlegend}
    assert names == {f"sequence_length={length}" for length in (64, 256, 1024)}
    runs = next(trace for trace in figure.data if trace.meta == "points" and "1024" in trace.name)
    assert len(runs.x) == 20
    change = next(trace for trace in figure.data if trace.meta == "changes")
    assert change.x == (12,)
    assert change.text[0].startswith("<b>▲ +20 % slower</b>")
    assert {shape.x0 for shape in figure.layout.shapes} == {11.5}


def test_chosen_rows_are_chosen_series(frame) -> None:
    short = frame[frame["parameters"].map(lambda cell: ("sequence_length", "64") in cell).astype(bool)]
    figure = tbp.plot.history(short, ATTENTION, is_dark=True)
    assert not [trace for trace in figure.data if trace.showlegend]
    assert figure.layout.template.layout.paper_bgcolor == "#101418"


def test_the_growth_is_a_line_over_the_sizes(frame) -> None:
    (line,) = tbp.plot.growth(frame, ATTENTION, "sequence_length").data
    assert line.x == (64.0, 256.0, 1024.0)
    assert line.y[2] / line.y[0] == pytest.approx(16, rel=0.01)


def test_the_variants_of_a_model_are_marks(frame) -> None:
    figure = tbp.plot.compression(frame, SUITE)
    assert [text for trace in figure.data if trace.mode == "markers+text" for text in trace.text] == ["int8", "dense"]
    assert tbp.plot.compression(frame, SUITE, against="error").layout.yaxis.type == "log"


def test_two_commits_are_compared_with_their_intervals() -> None:
    figure = tbp.plot.compare(RESULTS, OLD, NEW)
    assert figure.layout.title.text == f"{OLD} → {NEW}"
    by_state = {trace.name: trace for trace in figure.data}
    assert list(by_state) == ["regression", "no change", "undecided"]
    assert sorted(map(round, by_state["regression"].x)) == [50, 50, 640, 640]
    assert figure.layout.yaxis.ticktext[-1] == "inference.Inference.track_peak_bytes (variant=attention_twin)"
    (only,) = tbp.plot.compare(RESULTS, OLD, NEW, bench=["track_operators"], is_dark=True).data[:1]
    assert (only.x, only.y) == ((50.0, 50.0), (1, 2))


def test_a_flame_graph_is_bars_below_each_other() -> None:
    (bars,) = tbp.plot.flame(TRACES[1]).data
    assert (bars.y[0], bars.base[0], bars.text[0]) == (0, 0.0, "step")
    names = dict(zip(bars.text, zip(bars.y, bars.base, bars.x, strict=True), strict=True))
    level, left, width = names["aten::_softmax"]
    above, outer_left, outer = names["aten::softmax"]
    assert (level, above) == (2, 1)
    assert outer_left <= left < left + width <= outer_left + outer + 1e-9
    assert sum(size for row, size in zip(bars.y, bars.x, strict=True) if row == 1) <= bars.x[0]


def test_a_second_trace_colours_what_is_new() -> None:
    (bars,) = tbp.plot.flame([TRACES[1]], [TRACES[0]], clock="host").data
    colours = dict(zip(bars.text, bars.marker.color, strict=True))
    assert (colours["aten::_softmax"], colours["aten::div"]) == (COLOURS[4], COLOURS[4])
    assert colours["step"] == colours["aten::linear"] == REST_COLOUR
    texts = dict(zip(bars.text, bars.hovertext, strict=True))
    assert texts["aten::_softmax"].endswith("<br>new: 0 µs → 753 µs, 0 → 1 calls")


def test_a_trace_of_a_gpu_is_drawn_on_its_clock() -> None:
    trace = RESULTS.parent.parent / "h200" / "two_streams.pt.trace.json.gz"
    device, host = (tbp.plot.flame(trace, clock=clock).data[0] for clock in ("", "host"))
    assert any("Memcpy" in name for name in device.text)
    assert device.x[0] != host.x[0]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda _: tbp.plot.compare(RESULTS, OLD, OLD), "are the same commit"),
        (lambda _: tbp.plot.compare(RESULTS, OLD, "ffffffff"), "names no stored commit"),
        (lambda _: tbp.plot.flame(TRACES[0], clock="both"), "clock must be 'host' or 'device', not 'both'"),
        (lambda frame: tbp.plot.history(frame, "attention"), f"no result of attention; benchmarks: {ATTENTION}, "),
        (lambda frame: tbp.plot.growth(frame, ATTENTION, "variant"), "parameters that have: sequence_length"),
        (lambda frame: tbp.plot.growth(frame, MEMORY, "variant"), "there are no parameters"),
        (lambda frame: tbp.plot.compression(frame, "other"), f"other has 0 models .* have: {SUITE}"),
        (lambda frame: tbp.plot.compression(frame, SUITE, against="luck"), "against may be 'size' or 'error'"),
    ],
)
def test_what_cannot_be_drawn_is_named_with_what_can(frame, draw, message) -> None:
    with pytest.raises(UsageError, match=message):
        draw(frame)


def test_the_examples_of_the_documentation_run(frame, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parent.parent / "docs" / "how-to" / "notebooks.md"
    examples = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(examples) == 9
    monkeypatch.setattr(tbp, "load", lambda _: frame)
    (tmp_path / ".asv").mkdir()
    (tmp_path / ".asv" / "results").symlink_to(RESULTS)
    for trace, name in zip(TRACES, ("before", "after"), strict=True):
        (tmp_path / f"{name}.pt.trace.json.gz").symlink_to(trace)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in examples:
        exec(example, names)
    assert isinstance(names["figure"], go.Figure)
    assert "plotly.js" in (tmp_path / "history.html").read_text("utf-8")
