"""Calls, self and total time against torch's own key_averages()."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tbp.traces.calls.names import comparable_names
from tbp.traces.operators.operators import whole_trace_table
from tbp.traces.reading.read import read_trace

torch = pytest.importorskip("torch")

Work = Callable[[], Callable[[], object]]

EXACT_US = 0.001  # a nanosecond: both sides add up the same int64 ns, torch in float µs
MODES = {
    "bare": {},
    "shapes": {"record_shapes": True},
    "memory": {"profile_memory": True},
    "stack": {"with_stack": True},
    "all": {"record_shapes": True, "profile_memory": True, "with_stack": True},
}


def forward() -> Callable[[], object]:
    model = torch.nn.TransformerEncoderLayer(32, 2, 64, batch_first=True).eval()
    x = torch.randn(2, 8, 32)

    def step() -> object:
        with torch.no_grad():
            return model(x)

    return step


def training() -> Callable[[], object]:
    model = torch.nn.TransformerEncoderLayer(32, 2, 64, batch_first=True)
    optimizer = torch.optim.AdamW(model.parameters())
    x = torch.randn(2, 8, 32)

    def step() -> None:
        optimizer.zero_grad()
        with torch.profiler.record_function("forward"):
            loss = model(x).sum()
        loss.backward()
        optimizer.step()

    return step


def averages(profile: object) -> pd.DataFrame:
    """torch's table under comparable names; "[memory]" has no time and is no timed event of the file."""
    events = [event for event in profile.key_averages() if event.key != "[memory]"]  # type: ignore[attr-defined]
    keys = [event.key.replace("ProfilerStep*", "ProfilerStep#1") for event in events]
    names = comparable_names(keys, lambda: np.zeros(len(keys), dtype=np.int64))
    frame = pd.DataFrame([_numbers(event) for event in events], columns=["calls", "self_us", "total_us"])
    frame["operator"] = [names.texts[code] for code in names.code_of]
    return frame.groupby("operator").sum()


def _numbers(event: object) -> tuple[float, float, float]:
    return event.count, event.self_cpu_time_total, event.cpu_time_total  # type: ignore[attr-defined]


@pytest.mark.parametrize("scheduled", [True, False], ids=["steps", "no steps"])
@pytest.mark.parametrize("work", [forward, training])
@pytest.mark.parametrize("mode", MODES)
def test_the_table_equals_key_averages(tmp_path: Path, mode: str, work: Work, scheduled: bool) -> None:
    step = work()
    path = tmp_path / "trace.json"
    expected: list[pd.DataFrame] = []

    def keep(profile: object) -> None:
        profile.export_chrome_trace(str(path))  # type: ignore[attr-defined]
        expected.append(averages(profile))

    schedule = torch.profiler.schedule(wait=0, warmup=1, active=2, repeat=1) if scheduled else None
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(
        activities=activities, schedule=schedule, on_trace_ready=keep, **MODES[mode]
    ) as profile:
        for _ in range(3):
            step()
            if scheduled:
                profile.step()
    ours = whole_trace_table(read_trace(path)).frame.set_index("operator")[["calls", "self_us", "total_us"]]
    (theirs,) = expected
    assert set(ours.index) == set(theirs.index)
    assert len(ours) > 20  # the forward pass alone has 29 operators
    assert (ours.loc[theirs.index, "calls"] == theirs["calls"]).all()
    assert (ours.loc[theirs.index] - theirs).abs().to_numpy().max() <= EXACT_US
