"""The memory of a trace: its peak, the blocks alive then, and what grows from step to step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tbp
from tbp.errors import UsageError
from tbp.traces.devices.memory import NO_OPERATOR, NOT_SEEN, MemoryUse
from tbp.traces.devices.ranks import rank_of
from tbp.traces.read_recording import read_recording
from tbp.traces.reading.read import read_trace
from tbp.traces.recording import NO_MEMORY

from ..command_line import Run
from ..trace_events import event

Write = Callable[..., Path]
BEHIND = event("aten::relu", 500, 1)  # a file without any span is no trace
STEP = {"cat": "user_annotation"}
H200 = Path(__file__).parents[1] / "data" / "h200"


def block(ts: float, size: int, address: int | None = 0x7000, total: int | None = None, **more: Any) -> dict[str, Any]:
    """A memory event: an allocation, or where ``size`` is negative the end of one."""
    known = {"Addr": address, "Total Allocated": total}
    arguments = {"Bytes": size, "Device Type": 1, "Device Id": 0, **more}
    arguments |= {name: value for name, value in known.items() if value is not None}
    return {"ph": "i", "s": "t", "name": "[memory]", "pid": 1, "tid": 1, "ts": ts, "args": arguments}


def used(path: Path) -> MemoryUse:
    memory = rank_of(path, read_trace(path)).memory
    assert memory is not None
    return memory


def alive(memory: MemoryUse) -> list[tuple[str, str, int, float]]:
    return list(memory.alive[["operator", "module", "blocks", "bytes"]].itertuples(index=False, name=None))


def test_the_peak_and_the_blocks_alive_then(write: Write) -> None:
    memory = used(
        write(
            [
                event("ProfilerStep#3", 0, 100, STEP),
                event("nn.Module: Net_0", 5, 60, {"cat": "python_function"}),
                event("nn.Module: Linear_1", 6, 30, {"cat": "python_function"}),
                event("aten::linear", 8, 20),
                event("aten::addmm", 10, 10),
                event("aten::add", 40, 10),
                block(12, 512, 0xA, 1_512),
                block(14, 256, 0xB, 1_768),
                block(27, -256, 0xB, 1_512),
                block(45, 1_024, 0xC, 2_536),
                block(80, -100, 0xD, 2_436),  # older than the trace
                block(90, -1_024, 0xC, 1_412),
            ]
        )
    )
    (peak,) = memory.peaks.to_dict("records")
    assert peak == {
        "device": "0", "peak_bytes": 2_536, "before_bytes": 1_000, "end_bytes": 1_412, "peak_us": 33, "step": 0,
        "operator": "aten::add", "module": "Net_0", "growth_bytes": 0,
    }  # fmt: skip
    assert alive(memory) == [
        ("aten::add", "Net_0", 1, 1_024),
        (NOT_SEEN, "", 0, 1_000),
        ("aten::addmm", "Net_0/Linear_1", 1, 512),
    ]
    assert memory.timeline["allocated_bytes"].to_list() == [1_512, 1_768, 1_512, 2_536, 2_436, 1_412]


def test_without_totals_the_peak_is_of_the_trace_alone(write: Write) -> None:
    memory = used(write([BEHIND, block(1, 100, 0xA), block(2, 50, 0xB), block(3, -100, 0xA), block(4, 20, 0xA)]))
    peak = memory.peaks.loc[0]
    assert (peak["peak_bytes"], peak["end_bytes"]) == (150, 70)
    assert peak["before_bytes"] != peak["before_bytes"]
    assert alive(memory) == [(NO_OPERATOR, "", 2, 150)]


def test_devices_and_processes_are_apart(write: Write) -> None:
    memory = used(
        write(
            [
                BEHIND,
                block(1, 100, 0xA, 100),
                block(2, 300, 0xA, 300, **{"Device Id": 1}),
                block(3, 7, 0xA, 7, **{"Device Type": 0, "Device Id": -1}),
                block(4, 40, 0xA, 40) | {"pid": 2},
            ]
        )
    )
    assert list(zip(memory.peaks["device"], memory.peaks["peak_bytes"], strict=True)) == [
        ("1", 300), ("0 of process 1", 100), ("0 of process 2", 40), ("host", 7),
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [{"Addr": "0x7f"}, {"Addr": 2**64 - 1}, {"Addr": 0}])
def test_without_addresses_no_block_is_known_alive(write: Write, odd: dict[str, Any]) -> None:
    memory = used(write([BEHIND, block(1, 100, None, 150, **odd), block(2, 50, None, 200, **odd)]))
    assert memory.peaks.loc[0, "peak_bytes"] == 200
    assert alive(memory) == [(NOT_SEEN, "", 0, 200)]


def stepping(write: Write, freed_after: int | None, steps: int = 6) -> MemoryUse:
    """Each step allocates 64 bytes for itself, and 100 that are freed so many steps later, or never."""
    events, total = [], 0
    for step in range(steps):
        at = 100 * step
        events += [event(f"ProfilerStep#{step}", at, 90, STEP), event("aten::cat", at + 10, 20)]
        for delay, size, address in ((12, 64, 1), (14, 100, 1_000 + step), (60, -64, 1)):
            total += size
            events.append(block(at + delay, size, address, total))
        if freed_after is not None and step >= freed_after:
            total -= 100
            events.append(block(at + 70, -100, 1_000 + step - freed_after, total))
    return used(write(events))


def test_memory_that_grows_by_a_block_a_step(write: Write) -> None:
    memory = stepping(write, None)
    assert memory.peaks.loc[0, "growth_bytes"] == 100
    # Of steps 1 to 4: the first may keep what it makes, the last has no next one.
    assert memory.grown[["operator", "blocks", "bytes"]].values.tolist() == [["aten::cat", 4, 400]]


@pytest.mark.parametrize("freed_after", [0, 1, 2])
def test_a_queue_of_blocks_does_not_grow(write: Write, freed_after: int) -> None:
    memory = stepping(write, freed_after)
    assert memory.peaks.loc[0, "growth_bytes"] == 0
    assert not len(memory.grown)


def test_three_steps_are_too_few_to_call_it_growth(write: Write) -> None:
    assert stepping(write, None, steps=3).peaks.loc[0, "growth_bytes"] == 0


def test_a_real_training_step_adds_up() -> None:
    """The totals are the allocator's own; the blocks alive at the peak are counted here one by one."""
    path = H200 / "train_amp_stack_modules.pt.trace.json.gz"
    memory, trace = used(path), read_trace(path)
    peak = memory.peaks.iloc[0]
    assert (peak["device"], peak["peak_bytes"], peak["operator"]) == ("0", 122_331_136, "aten::sum")
    sizes: dict[int, int] = {}
    rows = zip(
        trace.memory.start_ns.tolist(), trace.memory.address.tolist(), trace.memory.size_bytes.tolist(),
        trace.memory.total_bytes.tolist(), trace.memory.device_type.tolist(), strict=True,
    )  # fmt: skip
    for _, address, size, total, kind in sorted(rows, key=lambda row: row[0]):
        if kind == 1:
            sizes.pop(address, None) if size < 0 else sizes.__setitem__(address, size)
            if total == 122_331_136:
                break
    on_device = memory.alive[memory.alive["device"] == "0"]
    assert on_device["bytes"].sum() == 122_331_136
    assert on_device.loc[on_device["operator"] != NOT_SEEN, "bytes"].sum() == sum(sizes.values())


def test_torch_counts_the_same_on_the_cpu(tmp_path: Path) -> None:
    """A product of 1,000 numbers and a copy: 4,000 bytes each, the first freed before the second."""
    torch = pytest.importorskip("torch")
    path = tmp_path / "trace.json"
    x, y = torch.ones(1_000), torch.ones(1_000)
    with torch.profiler.profile(profile_memory=True, activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        kept = x * y
        again = kept * y
        del kept
        last = x + again
        del again, last
    profile.export_chrome_trace(str(path))
    memory = used(path)
    peak = memory.peaks.iloc[0]
    assert (peak["device"], peak["peak_bytes"] - peak["before_bytes"]) == ("host", 8_000)
    self_bytes = {each.key: each.self_cpu_memory_usage for each in profile.key_averages()}
    assert self_bytes["aten::mul"] == 8_000
    assert memory.alive.set_index("operator")["bytes"]["aten::mul"] == 8_000


def test_a_user_sees_the_peak(write: Write, run: Run) -> None:
    path = write([event("aten::add", 0, 10), block(4, 4 << 20, 0xA, 5 << 20), block(20, -(4 << 20), 0xA, 1 << 20)])
    _, out, _ = run("hotspots", path)
    text = " ".join(out.split())
    assert "Memory of device 0: peak 5.00 MiB, " in text
    assert " after the first allocation, outside of steps, in aten::add; 1.00 MiB before and 1.00 MiB after" in text
    code, out, _ = run("hotspots", path, "--by", "memory")
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "aten::add 4.00 MiB 100 % 1 10.0 µs" in lines
    assert lines[-3:] == [
        "alive at the peak size share blocks",
        "aten::add 4.00 MiB 80 % 1",
        f"{NOT_SEEN} 1.00 MiB 20 %",
    ]


def test_memory_that_torch_left_out_is_told(write: Write, run: Run) -> None:
    path = write({"profile_memory": 1, "traceEvents": [event("aten::add", 0, 10)]})
    assert read_recording(path).about.losses == (NO_MEMORY,)
    code, _, err = run("hotspots", path, "--by", "memory")
    assert code == 2
    assert "has no memory to rank by: record it with profile_memory=True" in err


def test_the_chart_of_memory(write: Write) -> None:
    path = write([event("aten::add", 0, 10), block(4, 1 << 20, 0xA, 3 << 20), block(9, -(1 << 20), 0xA, 2 << 20)])
    line, peak = tbp.plot.memory(path).data
    assert (list(line.x), list(line.y)) == ([0, 0.005], [3, 2])
    assert list(peak.y) == [3]
    with pytest.raises(UsageError, match="record it with profile_memory"):
        tbp.plot.memory(write([event("aten::add", 0, 10)], "other.json"))
