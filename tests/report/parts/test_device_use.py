"""Devices, ranks and memory on a benchmark's page: what is there where it was recorded, and nothing where not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from tbp.model.changes import History, State
from tbp.report.parts.device_use import DeviceUseSection, device_use
from tbp.report.site.load import report_data
from tbp.traces.devices.bounded_memory import bounded
from tbp.traces.devices.idle import IDLE_COLUMNS
from tbp.traces.devices.memory import MemoryUse
from tbp.traces.devices.per_step import MEAN_IDLE_COLUMNS, Devices, devices
from tbp.traces.devices.ranks import Rank, largest_memory
from tbp.traces.pruned import prune
from tbp.traces.read_recording import read_recording
from tbp.traces.reading.columns import typed

from ...conftest import store
from ...histories import history

H200 = Path(__file__).parents[2] / "data" / "h200"
AMP, DDP = H200 / "train_amp_stack_modules.pt.trace.json.gz", H200 / "ddp_nccl_one_rank.pt.trace.json.gz"
GAPS = [
    ("0", "host", "aten::mm", 3, 750.0),
    ("0", "data loader", "next", 1, 200.0),
    ("0", "queue", "aten::mm", 1, 50.0),
]


def rank_of_file(path: Path) -> Rank:
    rank = read_recording(path).rank
    assert rank is not None
    return rank


def traced(*ranks: Rank) -> History:
    memory = largest_memory(ranks)
    used = devices(ranks), bounded(memory) if memory is not None else None
    return replace(history([1.0], State.NOT_ENOUGH_DATA), devices=used[0], memory=used[1])


def section(of: History) -> DeviceUseSection:
    made = device_use(of)
    assert made is not None
    return made


def html(of: DeviceUseSection) -> dict[str, str]:
    parts = of.payload["parts"]
    assert isinstance(parts, dict)
    return parts


def test_a_series_without_a_device_has_none(make_operators: Callable[..., object]) -> None:
    assert device_use(history([1.0], State.NOT_ENOUGH_DATA)) is None
    alone = replace(rank_of_file(AMP), memory=None, device=rank_of_file(H200 / "cuda_graph.pt.trace.json.gz").device)
    bare = replace(alone.device, devices=alone.device.devices.head(0))
    assert device_use(traced(replace(alone, device=bare))) is None


def test_a_device_says_how_busy_it_is_and_what_it_waits_for() -> None:
    made = section(traced(rank_of_file(AMP)))
    assert made.title == "Device"
    device, idle, occupancy, memory, host = made.sentences
    assert device.startswith("Device 0: busy 3.0 % of the time, idle 97 %; per step kernels 663 µs in 199 launches, ")
    causes = "the host launches late 81 %, launched, not yet begun 12 %, the host returns from a synchronisation 7.1 %"
    assert idle == f"Idle time: {causes}."
    assert occupancy == "Of the time of kernels with a known occupancy 87 % is below 25 %."
    assert memory.startswith(
        "Memory of device 0: peak 117 MiB, 9.84 ms after the first allocation, in step 1, in aten::"
    )
    assert host.startswith("Memory of the host: peak 4.00 B, ")
    assert [fold.name for fold in made.folds] == ["idle", "kernels", "memory"]
    assert "before aten::copy_ 26 %, aten::mm 9.8 %" in html(made)["idle"]
    assert "32 further kernels: 34 %." in html(made)["kernels"]
    assert "Alive at the peak of device 0" in html(made)["memory"]
    assert 0 < len(made.payload["figure"]["data"][0]["x"]) <= 400  # type: ignore[index]


def test_without_memory_events_there_is_no_memory() -> None:
    made = section(traced(rank_of_file(DDP)))
    assert [fold.name for fold in made.folds] == ["idle", "kernels"]
    assert "figure" not in made.payload
    assert not any("emory" in sentence for sentence in made.sentences)


def test_of_memory_alone_the_section_is_called_so() -> None:
    made = section(replace(traced(rank_of_file(AMP)), devices=None))
    assert (made.title, [fold.name for fold in made.folds]) == ("Memory", ["memory"])


@pytest.mark.parametrize(
    ("whole_us", "alone_us", "words"),
    [(400.0, 100.0, "75 %"), (400.0, 400.0, "0 %"), (400.0, 0.0, "100 %"), (0.0, 0.0, "")],
)
def test_the_overlap_of_communication(whole_us: float, alone_us: float, words: str) -> None:
    of = traced(rank_of_file(DDP))
    assert of.devices is not None
    frame = of.devices.devices.assign(communication_us=whole_us, exposed_communication_us=alone_us)
    sentences = section(replace(of, devices=replace(of.devices, devices=frame))).sentences
    told = [sentence for sentence in sentences if sentence.startswith("Overlap")]
    assert told == ([f"Overlap of communication: {words} of it ran beside other work."] if words else [])


def test_each_cause_has_its_part_of_all_idle_time() -> None:
    of = traced(rank_of_file(DDP))
    assert of.devices is not None
    made = section(replace(of, devices=replace(of.devices, idle=typed(GAPS, MEAN_IDLE_COLUMNS))))
    assert made.sentences[1] == (
        "Idle time: the host launches late 75 %, the host waits for the data loader 20 %, "
        "launched, not yet begun 5.0 %."
    )


def ranks(view: Devices, world_size: int) -> History:
    several = [view.ranks.assign(rank=rank, step_us=1_000.0 + rank) for rank in (0, 1)]
    frame = typed([row for each in several for row in each.to_dict("records")], dict.fromkeys(view.ranks, "text"))
    frame = frame.astype(view.ranks.dtypes.to_dict())
    return replace(traced(rank_of_file(DDP)), devices=replace(view, ranks=frame, world_size=world_size))


@pytest.mark.parametrize(("world_size", "more"), [(2, "."), (8, ", which has 8.")])
def test_ranks_stand_side_by_side(world_size: int, more: str) -> None:
    rank = rank_of_file(DDP)
    of = traced(replace(rank, origin=replace(rank.origin, world_size=2, backend="nccl")))
    assert of.devices is not None
    made = section(ranks(of.devices, world_size))
    assert (made.title, made.sentences[0]) == ("Ranks", f"2 ranks of one run (nccl){more}")
    assert [text in html(made)["ranks"] for text in ("rank 0", "rank 1", "1.00 ms", "Busy")] == [True] * 4


def test_what_an_earlier_tbp_pruned_away_is_said(make_operators: Callable[..., object]) -> None:
    rank = rank_of_file(AMP)
    older = replace(rank, memory=None, device=replace(rank.device, idle=typed([], IDLE_COLUMNS)))
    of = replace(traced(older), operators=read_recording(AMP).session.table)
    assert section(of).sentences[-1] == (
        "An earlier version of tbp pruned these traces and did not keep the causes of idle time and memory over time."
    )


def test_the_section_is_the_same_before_and_after_pruning(tmp_path: Path) -> None:
    results = tmp_path / "results"
    store(results, "a" * 40, 0, [AMP, DDP])

    def seen() -> DeviceUseSection:
        (of,) = report_data(None, results).histories
        assert isinstance(of.memory, MemoryUse)
        return section(of)

    before = seen()
    assert prune(sorted(results.rglob("*.pt.trace.json.gz"))).removed == 2
    assert seen() == before
