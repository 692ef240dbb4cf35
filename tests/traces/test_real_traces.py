"""Other people's traces: device time adds up, steps are counted, two repeats of one run differ in nothing exact."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from tbp.traces.calls.kernels import REST
from tbp.traces.devices.ranks import rank_of, runs
from tbp.traces.differences.difference import difference, explanation
from tbp.traces.operators.operators import session, whole_trace_table
from tbp.traces.reading.categories import ON_DEVICE
from tbp.traces.reading.read import read_trace
from tbp.traces.reading.trace import NS_PER_US


def test_owned_and_named_device_time_is_all_of_it(recordings: Path) -> None:
    for path in sorted(recordings.glob("*/*.json.gz")):
        trace = read_trace(path)
        table = whole_trace_table(trace).frame
        device_us = trace.duration_ns[np.isin(trace.category, ON_DEVICE)].sum() / NS_PER_US
        assert table["self_device_us"].sum() == pytest.approx(device_us), path.name
        assert (session(trace).table.frame["self_us"] >= 0).all(), path.name


def test_self_time_is_negative_only_where_python_frames_overlap_a_step(recordings: Path) -> None:
    """A step begins and ends inside two calls of ``step()``; torch counts both in full, and so does the whole table."""
    frame = whole_trace_table(read_trace(recordings / "h100-vs-mi300" / "h100.json.gz")).frame
    negative = frame[frame["self_us"] < 0]
    assert list(negative["operator"]) == ["moca/library/profiling/profile.py(#1): run_torch_profiler"]
    assert negative["self_us"].to_list() == pytest.approx([4789.927 - 4426.114 - 300.284 - 124.890])


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("v100-resnet50/workers0.worker0.1623143089861.pt.trace.json.gz", 6),
        ("v100/rank-0.Apr_03_18_51_38.1102.pt.trace.json.gz", 5),
        ("h100-vs-mi300/mi300.json.gz", 1),
        ("mi250/mi250_minitoy_train_ROCm6_2_kineto.json.gz", 2),
        ("a100/alexnet.json.gz", 1),  # recorded without steps
    ],
)
def test_steps_and_owners_on_three_vendors_generations(recordings: Path, name: str, steps: int) -> None:
    table = session(read_trace(recordings / name)).table
    assert table.steps == steps
    frame = table.frame.set_index("operator")
    assert frame["self_device_us"].drop(list(REST), errors="ignore").sum() > 0
    assert not frame["self_device_us"].reindex(list(REST)).fillna(0).any()


def test_repeats_of_one_configuration_and_the_change_between_two(recordings: Path) -> None:
    """0 and 4 data-loader workers: with workers the loading leaves the traced process."""
    folder = recordings / "v100-resnet50"
    alone, again = (session(read_trace(path)) for path in sorted(folder.glob("workers0*")))
    with_workers, again_with = (session(read_trace(path)) for path in sorted(folder.glob("workers4*")))
    for one, other in ((alone, again), (with_workers, again_with)):
        same = difference([one], [other])
        assert not same.rows["certain"].any(), same.rows[same.rows["certain"]]["sentence"].to_list()
        assert not (same.rows["kind"] == "time").any() or not same.enough_sessions
        assert len(same.exact) == 0, same.exact["sentence"].to_list()
    changed = difference([alone, again], [with_workers, again_with])
    assert changed.delta_us < 0
    loader = "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"
    kinds = changed.rows[changed.rows["certain"]].set_index("operator")["kind"]
    assert kinds[loader] == "gone", explanation(changed)
    assert kinds[loader.replace("Single", "MultiProcessing").replace("ProcessingProcess", "Processing")] == "new"
    assert changed.rows["delta_us"].sum() + changed.residual_us == pytest.approx(changed.delta_us, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "busy_share", "communication_share"),
    [
        ("a100/nccl_data.json.gz", None, 0.1),
        ("v100-resnet50/workers0.worker0.1623143089861.pt.trace.json.gz", 0.560347, 0),
        ("h100-vs-mi300/mi300.json.gz", 0.097508, 0),
        ("mi250/mi250_minitoy_train_ROCm6_2_kineto.json.gz", 0.015899, 0),
    ],
)
def test_what_the_device_did(recordings: Path, name: str, busy_share: float | None, communication_share: float) -> None:
    trace = read_trace(recordings / name)
    use = rank_of(recordings / name, trace).device
    row = use.devices.loc[0]
    assert row["busy_share"] + row["host_bound_share"] == pytest.approx(1)
    assert busy_share is None or row["busy_share"] == pytest.approx(busy_share, abs=1e-6)
    assert row["communication_share"] >= communication_share
    assert (row["communication_share"] > 0) == (communication_share > 0)
    assert use.kernels["share"].sum() == pytest.approx(1)
    sums_us = use.devices[["kernel_us", "copy_us", "fill_us"]].to_numpy().sum()
    assert use.kernels["total_us"].sum() == pytest.approx(sums_us)


def test_eight_ranks_are_one_run(recordings: Path, tmp_path: Path) -> None:
    with tarfile.open(recordings / "dlrm-8-ranks" / "dlrm_kineto.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    paths = sorted(tmp_path.rglob("*.json"))
    ranks = [rank_of(path, read_trace(path)) for path in paths]
    (run,) = runs(ranks[::-1])
    assert run.frame["rank"].to_list() == list(range(8))
    assert run.missing == ()
    assert (run.frame["communication_share"] > 0.5).all()
    # HolisticTraceAnalysis 0.5.0: get_comm_comp_overlap, of computation alone; rank 3 also copies beside it.
    hta = [0.0450, 0.0247, 0.0788, 0.0331, 0.0056, 0.0064, 0.0756, 0.0951]
    assert run.frame["hidden_communication_share"].to_list() == pytest.approx(hta, abs=2e-3)
    assert run.frame["wait_us"].to_list() == [5581, 11119, 3275, 9557, 6370, 6034, 3341, 1529]
    assert run.frame["last"].to_list() == [0, 0, 0, 0, 1, 2, 0, 5]
    assert run.waits.are_sure
    assert run.waits.ends_us < 1
    assert run.operators.sessions == 8
    assert len(run.operators.frame) > 20
    (half,) = runs(ranks[:4])
    assert half.missing == (4, 5, 6, 7)
    twice = runs([*ranks, ranks[0]])
    assert [len(run.ranks) for run in twice] == [8, 1] or [len(run.ranks) for run in twice] == [1, 8]
