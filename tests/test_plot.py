"""The charts for notebooks, of results as asv stores them, and the examples that docs/notebooks.md shows."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

import tbp
from tbp.errors import UsageError

from .result_frames import frame_of

ATTENTION, MEMORY = "attention.Quick.torchtime_step", "feed_forward.Nightly.peakmem_step"
SUITE = "compressed_inference.Nightly"
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


@pytest.mark.parametrize(
    ("draw", "message"),
    [
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
    page = Path(__file__).parent.parent / "docs" / "notebooks.md"
    examples = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(examples) == 6
    monkeypatch.setattr(tbp, "load", lambda _: frame)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in examples:
        exec(example, names)
    assert isinstance(names["figure"], go.Figure)
    assert "plotly.js" in (tmp_path / "history.html").read_text("utf-8")
