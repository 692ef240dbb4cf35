"""Traces for the tests: literal ones, real recordings, and the folder of other people's."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import Trace

from ..result_folders import shared_data
from ..trace_events import event


@pytest.fixture
def recordings() -> Path:
    return shared_data() / "traces"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write events, or a whole document, or plain bytes, as a trace file."""

    def written(content: list[dict[str, Any]] | dict[str, Any] | bytes, name: str = "trace.json") -> Path:
        path = tmp_path / name
        if isinstance(content, list):
            content = {"schemaVersion": 1, "traceEvents": content}
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return written


@pytest.fixture
def trace_of(write: Callable[..., Path]) -> Callable[..., Trace]:
    """A trace of (name, start_us, duration_us) or (…, extra keys) entries; operators on one thread unless said."""

    def made(*entries: tuple[Any, ...]) -> Trace:
        return read_trace(write([event(*entry) for entry in entries]))

    return made


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Trace]:
    """Record ``step`` with torch's profiler, ``steps`` times after two steps of warm-up."""
    torch = pytest.importorskip("torch")

    def record(step: Callable[[], object], steps: int = 20, **modes: bool) -> Trace:
        path = tmp_path / "recorded.json"
        profiler = torch.profiler
        with profiler.profile(
            activities=[profiler.ProfilerActivity.CPU],
            schedule=profiler.schedule(wait=0, warmup=2, active=steps, repeat=1),
            on_trace_ready=lambda profile: profile.export_chrome_trace(str(path)),
            **modes,
        ) as profile:
            for _ in range(steps + 2):
                step()
                profile.step()
        return read_trace(path)

    return record
