"""A trace that was read before says the same, without being read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tbp.errors import UnreadableTrace
from tbp.traces import known_traces, read_recording
from tbp.traces.known_traces import trace_session
from tbp.traces.recording import Recording

from .conftest import Build


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the traces that were really read."""
    seen: list[str] = []
    real = read_recording.read_trace
    monkeypatch.setattr(read_recording, "read_trace", lambda path: (seen.append(path.name), real(path))[1])
    return seen


def kept(cached: Path) -> list[Path]:
    return sorted((cached / "traces").iterdir())


def test_a_report_reads_each_trace_once(
    traced_results: Path, cached: Path, parsed: list[str], build: Build, cold: Build
):
    first = build()
    assert len(parsed) == len(kept(cached)) == 3  # of the newest commit
    parsed.clear()
    assert build() == first
    assert parsed == []
    assert cold() == first


def test_a_copy_is_known(traced_results: Path, cached: Path, parsed: list[str], tmp_path: Path):
    """Every checkout in a workflow is one."""
    trace = next(traced_results.rglob("*.pt.trace.json.gz"))
    trace_session(trace)
    copy = tmp_path / "copy.pt.trace.json.gz"
    copy.write_bytes(trace.read_bytes())
    assert trace_session(copy).step_us == trace_session(trace).step_us
    assert parsed == [trace.name]


def test_another_trace_of_the_same_name_is_read(traced_results: Path, cached: Path, parsed: list[str]):
    one, other = sorted(traced_results.rglob("*.pt.trace.json.gz"))[::5]
    first, second = trace_session(one), trace_session(other)
    stat = one.stat()
    one.write_bytes(other.read_bytes())
    os.utime(one, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert trace_session(one).step_us == second.step_us != first.step_us


@pytest.mark.parametrize("damage", [b"", b"no gzip", b"\x1f\x8b\x08\x00"])
def test_a_damaged_table_is_made_again(
    traced_results: Path, cached: Path, parsed: list[str], build: Build, damage: bytes
):
    first = build()
    whole = [path.read_bytes() for path in kept(cached)]
    for path in kept(cached):
        path.write_bytes(damage)
    parsed.clear()
    assert build() == first
    assert len(parsed) == 3
    assert [path.read_bytes() for path in kept(cached)] == whole


def test_what_cannot_be_kept_exactly_is_not(
    traced_results: Path, cached: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch
):
    trace = next(traced_results.rglob("*.pt.trace.json.gz"))
    real = known_traces.read_operators

    def inexact(path: Path) -> Recording:
        recording = real(path)
        return replace(recording, session=replace(recording.session, step_us=recording.session.step_us + 1))

    monkeypatch.setattr(known_traces, "read_operators", inexact)
    assert trace_session(trace).step_us == trace_session(trace).step_us
    assert parsed == [trace.name] * 2
    assert kept(cached) == []


def test_a_trace_that_cannot_be_read_is_said_and_not_kept(cached: Path, tmp_path: Path):
    trace = tmp_path / "bad.pt.trace.json.gz"
    for content in (b"", b"{}"):
        trace.write_bytes(content)
        with pytest.raises(UnreadableTrace):
            trace_session(trace)
    trace.unlink()
    with pytest.raises(UnreadableTrace):
        trace_session(trace)
    assert not (cached / "traces").exists()


def test_it_can_be_switched_off(traced_results: Path, tmp_path: Path, parsed: list[str]):
    trace = next(traced_results.rglob("*.pt.trace.json.gz"))
    trace_session(trace)
    trace_session(trace)
    assert parsed == [trace.name] * 2
