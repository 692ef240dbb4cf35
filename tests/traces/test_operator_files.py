"""Operator tables in files: nothing is lost, and what is damaged is said."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import fields

from tbp.errors import UnreadableTrace
from tbp.traces.operator_files import read_operators, write_operators
from tbp.traces.pruned import same
from tbp.traces.read_recording import read_recording

from ..command_line import Run

A = "a" * 40


def stored(folder: Path, traces: dict[str, list[Path]], changed: Callable[[dict[str, Any]], object]) -> Path:
    """The table of a recorded trace, its content changed."""
    path = folder / "x.operators.json.gz"
    write_operators(read_recording(traces[A][0]), path)
    content = json.loads(gzip.decompress(path.read_bytes()))
    changed(content)
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    return path


def test_a_table_is_kept_to_the_last_digit(tmp_path: Path, recorded_traces: dict[str, list[Path]]):
    recording, path = read_recording(recorded_traces[A][0]), tmp_path / "x.operators.json.gz"
    write_operators(recording, path)
    kept = read_operators(path)
    assert kept.about == recording.about
    for part in fields(recording.session):
        one, other = getattr(kept.session, part.name), getattr(recording.session, part.name)
        if part.name == "table":
            pd.testing.assert_frame_equal(one.frame, other.frame, check_dtype=False, check_exact=True)
            assert (one.steps, one.sessions) == (other.steps, other.sessions)
            assert one.loss == other.loss
        elif isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, other, check_dtype=False, check_exact=True)
        elif part.name == "frames":
            pd.testing.assert_frame_equal(one.rows, other.rows, check_dtype=False, check_exact=True)
            assert (one.steps, one.step_ns, one.sessions) == (other.steps, other.step_ns, other.sessions)
        else:
            assert one == other
    assert path.stat().st_size < recorded_traces[A][0].stat().st_size


def test_a_table_from_before_frames_were_kept_has_none(tmp_path: Path, recorded_traces: dict[str, list[Path]]):
    path = stored(tmp_path, recorded_traces, lambda table: table.pop("frames"))
    assert read_operators(path).session.frames is None


@pytest.mark.parametrize(
    ("column", "value"), [("parent", 1), ("parent", 2**80), ("kind", "<b>"), ("self_ns", None), ("name", 10**6)]
)
def test_frames_that_are_no_tree_are_refused(
    tmp_path: Path, recorded_traces: dict[str, list[Path]], column: str, value: object
):
    path = stored(tmp_path, recorded_traces, lambda table: table["frames"]["rows"][column].__setitem__(0, value))
    with pytest.raises(UnreadableTrace, match="holds no operator table"):
        read_operators(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no operator table"),
        (b"\x1f\x8b\x08", "holds no operator table"),
        (gzip.compress(b"[]", mtime=0), "holds no operator table"),
        (gzip.compress(b'{"format": 3}', mtime=0), "update tbp"),
        (gzip.compress(b'{"format": 1}', mtime=0), "holds no operator table"),
    ],
)
def test_a_damaged_table_is_said_in_a_sentence(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "x.operators.json.gz"
    path.write_bytes(content)
    with pytest.raises(UnreadableTrace, match=words):
        read_recording(path)


def test_a_column_that_a_table_is_too_old_for_is_unknown(tmp_path: Path, recorded_traces: dict[str, list[Path]]):
    path = stored(
        tmp_path, recorded_traces, lambda table: [table["table"].pop(name) for name in ("total_us", "shapes")]
    )
    frame = read_operators(path).session.table.frame
    assert frame["total_us"].isna().all()
    assert set(frame["shapes"]) == {""}
    assert frame["self_us"].notna().all()


@pytest.mark.parametrize("name", ["mi250/mi250_minitoy_train_ROCm6_2_kineto.json.gz", "a100/nccl_data.json.gz"])
def test_what_the_device_did_is_kept_too(tmp_path: Path, recordings: Path, name: str, run: Run):
    raw, table = recordings / name, tmp_path / "x.operators.json.gz"
    recording = read_recording(raw)
    write_operators(recording, table)
    assert same(read_operators(table), recording)
    before, after = (run("hotspots", path, "--top", 50)[1] for path in (raw, table))
    assert "Device" in before
    assert after.partition("per step, under")[2] == before.partition("per step, under")[2]
    written = read_operators(table)
    written.rank.device.devices.loc[0, "busy_us"] += 1e-9
    assert not same(written, recording)
