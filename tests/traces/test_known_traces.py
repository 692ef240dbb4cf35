"""A trace that was read before gives the same, without being read."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.errors import UnreadableTrace
from tbp.system.store import FILE, Store, file_key
from tbp.traces import known_traces, read_recording, several_recordings
from tbp.traces.known_traces import KnownTraces, known_recording
from tbp.traces.recording import Recording


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the traces that were really read."""
    names: list[str] = []
    real = read_recording.read_trace
    monkeypatch.setattr(read_recording, "read_trace", lambda path: (names.append(path.name), real(path))[1])
    return names


@pytest.fixture
def traces(traced_results: Path) -> list[Path]:
    return sorted(traced_results.rglob("*.pt.trace.json.gz"))


def content(recording: Recording) -> str:
    session = recording.session
    return f"{session.step_us} {session.table.frame.to_csv()} {session.per_step.to_csv()}"


def test_a_trace_is_read_once(traces: list[Path], store_folder: Path, parsed: list[str]):
    first = [content(known_recording(path)) for path in traces]
    assert parsed == [path.name for path in traces]
    assert [content(known_recording(path)) for path in traces] == first
    assert len(parsed) == len(traces)


def test_a_copy_is_known(traces: list[Path], store_folder: Path, parsed: list[str], tmp_path: Path):
    """Every checkout in a workflow is one."""
    known_recording(traces[0])
    copy = tmp_path / "copy.pt.trace.json.gz"
    copy.write_bytes(traces[0].read_bytes())
    assert content(known_recording(copy)) == content(known_recording(traces[0]))
    assert parsed == [traces[0].name]


def test_another_trace_of_the_same_name_is_read(traces: list[Path], store_folder: Path, parsed: list[str]):
    one, other = traces[::5]
    first, second = (known_recording(path).session for path in (one, other))
    stat = one.stat()
    one.write_bytes(other.read_bytes())
    os.utime(one, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert known_recording(one).session.step_us == second.step_us != first.step_us


@pytest.mark.parametrize("damage", [b"", b"no gzip", b"\x1f\x8b\x08\x00"])
def test_a_table_that_is_none_is_made_again(traces: list[Path], store_folder: Path, parsed: list[str], damage: bytes):
    first = content(known_recording(traces[0]))
    Store("traces").keep({file_key(traces[0]): damage})
    for _ in range(2):
        assert content(known_recording(traces[0])) == first
    assert parsed == [traces[0].name] * 2


def test_what_cannot_be_kept_exactly_is_not(
    traces: list[Path], store_folder: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch
):
    real = known_traces.stored_recording

    def inexact(path: Path, table: bytes) -> Recording:
        recording = real(path, table)
        return replace(recording, session=replace(recording.session, step_us=recording.session.step_us + 1))

    monkeypatch.setattr(known_traces, "stored_recording", inexact)
    assert known_recording(traces[0]).session.step_us == known_recording(traces[0]).session.step_us
    assert parsed == [traces[0].name] * 2


def test_a_trace_that_cannot_be_read_is_reported_and_not_kept(store_folder: Path, tmp_path: Path):
    trace = tmp_path / "bad.pt.trace.json.gz"
    for damaged in (b"", b"{}"):
        trace.write_bytes(damaged)
        with pytest.raises(UnreadableTrace):
            known_recording(trace)
    trace.unlink()
    with pytest.raises(UnreadableTrace):
        known_recording(trace)
    assert not (store_folder / FILE).exists()


def test_it_can_be_switched_off(traces: list[Path], parsed: list[str]):
    known_recording(traces[0])
    known_recording(traces[0])
    assert parsed == [traces[0].name] * 2


def test_several_processes_read_the_same_and_a_broken_trace_is_alone(
    traces: list[Path], store_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(known_traces, "TRACE_S", 100.0)
    monkeypatch.setattr(known_traces, "BATCH_BYTES", 1)
    alone = [content(known_recording(path)) for path in traces]
    Store("traces").keep({file_key(path): b"" for path in traces})  # nothing is known
    broken = traces[0].with_name("broken.pt.trace.json.gz")
    broken.write_bytes(b"no trace")
    with KnownTraces() as reader:
        reader.expect([*traces[:3], broken, *traces[3:]])
        assert [content(reader(path)) for path in traces[:3]] == alone[:3]
        with pytest.raises(UnreadableTrace, match=r"broken\.pt\.trace\.json\.gz"):
            reader(broken)
        assert [content(reader(path)) for path in traces[3:]] == alone[3:]


def test_traces_may_be_asked_for_in_another_order(traces: list[Path], parsed: list[str]):
    with KnownTraces() as reader:
        reader.expect(traces[:4])
        assert [reader(traces[at]).path for at in (1, 0, 3, 5)] == [traces[at] for at in (1, 0, 3, 5)]
    assert parsed == [traces[at].name for at in (0, 1, 2, 3, 0, 5)]


def test_a_trace_that_several_series_need_is_read_once(traces: list[Path], store_folder: Path, parsed: list[str]):
    with KnownTraces() as reader:
        reader.expect([traces[0], traces[1], traces[0]])
        read = [content(reader(traces[at])) for at in (0, 1, 0)]
    assert read[0] == read[2] != read[1]
    assert parsed == [traces[0].name, traces[1].name]


def test_several_series_need_a_trace_where_nothing_is_kept(traces: list[Path], parsed: list[str]):
    with KnownTraces() as reader:
        reader.expect([traces[0], traces[1], traces[0]])
        assert [reader(traces[at]).path for at in (0, 1, 0)] == [traces[at] for at in (0, 1, 0)]
    assert parsed == [traces[at].name for at in (0, 1, 0)]


def test_the_reader_travels_to_other_processes(traces: list[Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(several_recordings, "TRACE_S", 100.0)
    with KnownTraces() as reader:
        reader.expect(traces[:2])
        alone = [content(reader(path)) for path in traces[:2]]
        read = several_recordings.several_recordings(traces[:2], reader)
    assert [content(each) for each in read if isinstance(each, Recording)] == alone
