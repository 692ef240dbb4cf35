"""Memory that stays when a trace is pruned: small, and the same however often it is made smaller."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tbp.errors import UnreadableTrace
from tbp.traces.devices.bounded_memory import MOST_BLOCKS, MOST_DEVICES, MOST_POINTS, OTHER_BLOCKS, bounded, thinned
from tbp.traces.devices.memory import BLOCK_COLUMNS, PEAK_COLUMNS, TIMELINE_COLUMNS, MemoryUse
from tbp.traces.devices.ranks import Rank
from tbp.traces.operator_files import operator_bytes, stored_recording
from tbp.traces.pruned import prune, same
from tbp.traces.read_recording import read_recording
from tbp.traces.reading.columns import typed
from tbp.traces.recording import operators_path

from ..trace_events import event
from .test_memory import H200, STEP, block

Write = Callable[..., Path]
AMP = H200 / "train_amp_stack_modules.pt.trace.json.gz"
FRAMES = ("peaks", "alive", "grown", "timeline")


def memory_of(devices: int, points: int, blocks: int) -> MemoryUse:
    """Each device has ``blocks`` operators of 100, 99, … bytes, and 1, 2, … bytes over time."""
    names = [str(number) for number in range(devices)]
    peaks = [(name, points, 0.0, points, points, 0, "aten::mm", "", 0.0) for name in names]
    alive = [(name, f"op{number}", "", 1, 100 - number) for name in names for number in range(blocks)]
    timeline = [(name, at, at + 1) for name in names for at in range(points)]
    return MemoryUse(
        peaks=typed(peaks, PEAK_COLUMNS),
        alive=typed(alive, BLOCK_COLUMNS),
        grown=typed([], BLOCK_COLUMNS),
        timeline=typed(timeline, TIMELINE_COLUMNS),
    )


def rank_of_file(path: Path) -> Rank:
    rank = read_recording(path).rank
    assert rank is not None
    return rank


@pytest.mark.parametrize(
    ("rows", "most", "kept"), [(4, 4, [1, 2, 3, 4]), (5, 4, [2, 3, 4, 5]), (9, 2, [5, 9]), (0, 2, [])]
)
def test_of_each_stretch_the_highest_stays(rows: int, most: int, kept: list[int]) -> None:
    timeline = typed([("0", at, at + 1) for at in range(rows)], TIMELINE_COLUMNS)
    assert thinned(timeline, most)["allocated_bytes"].tolist() == kept


def test_a_dip_between_two_peaks_is_what_goes() -> None:
    timeline = typed([("0", at, size) for at, size in enumerate([5, 9, 1, 2, 8, 3])], TIMELINE_COLUMNS)
    assert thinned(timeline, 2).values.tolist() == [["0", 1, 9], ["0", 4, 8]]


@pytest.mark.parametrize("blocks", [MOST_BLOCKS, MOST_BLOCKS + 1, MOST_BLOCKS + 2, 60])
def test_further_blocks_are_one_row_and_the_sum_stays(blocks: int) -> None:
    whole = memory_of(2, 1_000, blocks)
    small = bounded(whole)
    for device in ("0", "1"):
        rows = small.alive[small.alive["device"] == device]
        assert rows["bytes"].sum() == whole.alive.loc[whole.alive["device"] == device, "bytes"].sum()
        assert len(rows) == min(blocks, MOST_BLOCKS + 1)
        assert (rows["operator"].iloc[-1] == OTHER_BLOCKS) is (blocks > MOST_BLOCKS + 1)
    assert len(small.timeline) <= 2 * MOST_POINTS


@pytest.mark.parametrize("blocks", [0, 3, MOST_BLOCKS + 1, 60])
def test_what_is_bounded_stays_as_it_is(blocks: int) -> None:
    small = bounded(memory_of(12, 2_001, blocks))
    assert small.peaks["device"].tolist() == [str(number) for number in range(MOST_DEVICES)]
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(bounded(small), name), getattr(small, name))


def test_memory_and_idle_time_of_a_real_trace_survive_pruning_in_a_few_kilobytes(tmp_path: Path) -> None:
    path = tmp_path / "x.pt.trace.json.gz"
    path.write_bytes(AMP.read_bytes())
    before = read_recording(path)
    without = len(operator_bytes(before)) - len(gzip.compress(_without_memory(operator_bytes(before)), 9))
    assert prune([path]).removed == 1
    after = rank_of_file(operators_path(path))
    assert before.rank is not None
    assert before.rank.memory is not None
    assert after.memory is not None
    assert len(before.rank.memory.timeline) > len(after.memory.timeline) > 400
    for name in FRAMES:
        pd.testing.assert_frame_equal(
            getattr(after.memory, name), getattr(bounded(before.rank.memory), name), check_dtype=False
        )
    pd.testing.assert_frame_equal(after.device.idle, before.rank.device.idle, check_dtype=False)
    print(f"memory takes {without:,} bytes")
    assert 0 < without < 8_000


def test_memory_of_a_host_alone_survives_too(write: Write) -> None:
    events = [event("ProfilerStep#1", 0, 100, STEP), event("aten::add", 8, 20)]
    path = write([*events, block(9, 64, 0xA, 164, **{"Device Type": 0, "Device Id": -1})], "x.pt.trace.json")
    recording = read_recording(path)
    back = stored_recording(path, operator_bytes(recording))
    assert same(back, recording)
    assert back.rank is not None
    assert back.rank.memory is not None
    assert back.rank.memory.peaks[["device", "peak_bytes", "operator"]].values.tolist() == [["host", 164, "aten::add"]]


def test_a_trace_that_lost_its_memory_is_not_the_same(write: Write) -> None:
    path = write([event("aten::add", 8, 20), block(9, 64, 0xA, 164)], "x.pt.trace.json")
    recording = read_recording(path)
    assert not same(stored_recording(path, gzip.compress(_without_memory(operator_bytes(recording)))), recording)


@pytest.mark.parametrize(
    ("frame", "column", "value"),
    [
        ("peaks", "peak_bytes", None),
        ("peaks", "step", "x"),
        ("timeline", "allocated_bytes", None),
        ("timeline", "time_us", "x"),
    ],
)
def test_stored_memory_that_is_none_is_refused(write: Write, frame: str, column: str, value: object) -> None:
    path = write([event("aten::add", 8, 20), block(9, 64, 0xA, 164)], "x.pt.trace.json")
    content = json.loads(gzip.decompress(operator_bytes(read_recording(path))))
    content["rank"]["memory"][frame][column][0] = value
    with pytest.raises(UnreadableTrace, match="holds no operator table"):
        stored_recording(path, gzip.compress(json.dumps(content).encode()))


def _without_memory(table: bytes) -> bytes:
    content: dict[str, Any] = json.loads(gzip.decompress(table))
    content["rank"]["memory"] = None
    return json.dumps(content, separators=(",", ":")).encode()
