"""What the recorder leaves: a session and a trace, whole or not at all."""

import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from tbp.asv.leftovers import remove_abandoned
from tbp.bench import recorder
from tbp.bench.cell import CellCounts
from tbp.bench.clock import Timing
from tbp.bench.counted import counted_before
from tbp.bench.devices import device
from tbp.bench.recorder import Destination, Further, record, result_stem
from tbp.bench.roof import Roof
from tbp.bench.turns import TurnRatios

TIMING = Timing(number=2, wall_s=(1e-4, 2e-4), cpu_s=(1e-4, 1e-4), involuntary_switches=(0, 3))
PARAMETERS = {"variant": "sdpa", "tokens": "64"}


def destination(tmp_path: Path, *, traces: bool = True) -> Destination:
    return Destination(tmp_path / "abc.traces", "run", "0123456789abcdef", "tbp-py3.11", "machine", traces)


def step() -> torch.Tensor:
    return torch.softmax(torch.ones(8, 8), -1)


def read(path: Path) -> dict[str, object]:
    loaded = json.loads(gzip.decompress(path.read_bytes()))
    assert isinstance(loaded, dict)
    return loaded


def test_a_session_says_what_was_timed_where(tmp_path: Path):
    path = record(destination(tmp_path, traces=False), "suite.torchtime_step", PARAMETERS, device("cpu"), TIMING, step)
    assert path is not None
    session = read(path)
    assert session["parameters"] == PARAMETERS
    assert (session["commit"], session["machine"], session["run"]) == ("0123456789abcdef", "machine", "run")
    assert (session["number"], session["wall_s"], session["involuntary_switches"]) == (2, [1e-4, 2e-4], [0, 3])
    assert session["torch"] == torch.__version__
    assert f"torch={version('torch')}" in str(session["packages"]).split(";")
    assert isinstance(session["governor"], str)
    assert session["clock_mhz"] == 0
    assert session["trace"] is None
    assert "TBP_TRACE=0" in str(session["trace_note"])


def test_a_session_says_how_much_work_a_cell_is_and_against_what_it_was_held(tmp_path: Path):
    further = Further(
        ratios={"naive": TurnRatios((0.5, 0.4), (0.6, 0.5))},
        roof=Roof(1e10, 2e10),
        roof_dtype="bfloat16",
        counts=CellCounts(tokens=64, operators=2, dispatched={"aten::mm": 2}),
        first_call_s=0.25,
    )
    path = record(
        destination(tmp_path, traces=False),
        "suite.torchtime_step",
        PARAMETERS,
        device("cpu"),
        TIMING,
        step,
        "",
        further,
    )
    session = read(path)
    assert session["ratios"] == {"naive": {"wall": [0.5, 0.4], "cpu": [0.6, 0.5]}}
    assert (session["roof_flop_per_s"], session["roof_bytes_per_s"], session["roof_dtype"]) == (
        10**10,
        2 * 10**10,
        "bfloat16",
    )
    assert (session["first_call_s"], "energy_j" in session) == (0.25, False), "nothing is said of what was not measured"
    assert (session["engine"], session["float32_products"]) == (torch.backends.quantized.engine, "highest")
    assert torch.backends.cpu.get_cpu_capability() in str(session["isa"])
    counts = session["counts"]
    assert isinstance(counts, dict)
    assert (counts["tokens"], counts["dispatched"], counts["flops"]) == (64, {"aten::mm": 2}, None)


class TestCountedBefore:
    """The counts of a cell are taken from an earlier session of the same asv run, and from nothing else."""

    COUNTS = CellCounts(tokens=64, dispatched={"aten::mm": 2}, error=1e-7)

    @pytest.fixture
    def recorded(self, tmp_path: Path) -> Destination:
        folder = destination(tmp_path, traces=False)
        assert record(folder, "b", PARAMETERS, device("cpu"), TIMING, None, "", Further(counts=self.COUNTS)) is not None
        return folder

    def test_of_the_same_run_and_cell(self, recorded: Destination):
        assert counted_before(recorded, "b", PARAMETERS) == self.COUNTS
        assert counted_before(recorded, "b", {**PARAMETERS, "tokens": "128"}) is None
        assert counted_before(recorded, "c", PARAMETERS) is None
        assert counted_before(replace(recorded, run="later"), "b", PARAMETERS) is None
        assert counted_before(None, "b", PARAMETERS) is None

    def test_not_of_a_skipped_cell_or_a_damaged_file(self, tmp_path: Path):
        folder = destination(tmp_path, traces=False)
        path = record(folder, "b", PARAMETERS, device("cpu"), None, None, "no GPU")
        assert counted_before(folder, "b", PARAMETERS) is None
        assert path is not None
        path.write_bytes(b"half")
        assert counted_before(folder, "b", PARAMETERS) is None


def test_a_trace_lies_beside_the_session_and_says_the_same(tmp_path: Path):
    path = record(destination(tmp_path), "suite.torchtime_step", PARAMETERS, device("cpu"), TIMING, step)
    session = read(path)
    trace = read(path.parent / str(session["trace"]))
    facts = trace["tbp"]
    assert isinstance(facts, dict)
    assert {key: session[key] for key in ("commit", "parameters", "torch", "device")} == {
        key: facts[key] for key in ("commit", "parameters", "torch", "device")
    }
    events = trace["traceEvents"]
    assert isinstance(events, list)
    assert traced_steps(path) == recorder.TRACE_STEPS
    assert sum(event.get("name") == "aten::softmax" for event in events) == recorder.TRACE_STEPS
    assert list(path.parent.glob(".unfinished-*")) == []


def traced_steps(session: Path) -> int:
    events = read(session.parent / str(read(session)["trace"]))["traceEvents"]
    assert isinstance(events, list)
    return sum(str(event.get("name", "")).startswith("ProfilerStep#") for event in events)


def test_long_steps_make_short_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    slow = Timing(number=1, wall_s=(1.5,), cpu_s=(1.5,), involuntary_switches=(0,))
    path = record(destination(tmp_path), "suite.torchtime_step", PARAMETERS, device("cpu"), slow, step)
    assert traced_steps(path) == recorder.TRACE_MIN_STEPS


def test_steps_of_many_operators_make_short_traces(tmp_path: Path):
    """The profiler's own time grows with them: of 20 steps of 21,000 operators it was 40 s."""
    many = Further(counts=CellCounts(operators=1_000))
    path = record(destination(tmp_path), "suite.torchtime_step", PARAMETERS, device("cpu"), TIMING, step, further=many)
    assert traced_steps(path) == 6, "0.5 s ÷ (1,000 × 80 µs + a step)"


def test_parameters_that_look_alike_have_files_of_their_own(tmp_path: Path):
    paths = {
        record(destination(tmp_path, traces=False), "b", {"p": value}, device("cpu"), TIMING, None)
        for value in ("a/b", "a b")
    }
    assert len(paths) == 2
    assert all(path is not None and path.parent == tmp_path / "abc.traces" / "b" for path in paths)


def test_a_hostile_benchmark_name_stays_inside_the_folder(tmp_path: Path):
    path = record(destination(tmp_path, traces=False), "../../etc/x", {"p": "../" * 200}, device("cpu"), TIMING, None)
    assert (tmp_path / "abc.traces") in path.resolve().parents
    assert path.exists()


def test_a_step_that_raises_while_traced_leaves_no_file(tmp_path: Path):
    def failing() -> None:
        raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        record(destination(tmp_path), "b", PARAMETERS, device("cpu"), TIMING, failing)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_profiler_that_fails_to_write_leaves_no_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def export(profiler: object, name: str) -> None:
        Path(f"{name}.tmp").write_text("{")  # kineto gives it its name in the end
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torch.profiler.profile.export_chrome_trace", export)
    record(destination(tmp_path), "b", PARAMETERS, device("cpu"), TIMING, step)
    assert [path.name for path in tmp_path.rglob(".unfinished-*")] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full to play a full disk")
def test_a_full_disk_loses_the_session_but_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def full(self: Path, data: bytes) -> int:
        with Path("/dev/full").open("wb", buffering=0) as disk:
            return disk.write(data)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert record(destination(tmp_path, traces=False), "b", PARAMETERS, device("cpu"), TIMING, None) is None
    assert "No space left on device" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_a_killed_recorder_leaves_nothing_under_a_final_name(tmp_path: Path):
    program = (
        "import os, signal, sys, pathlib, torch\n"
        "from tbp.bench import recorder\n"
        "from tbp.bench.clock import Timing\n"
        "from tbp.bench.devices import device\n"
        "def killed(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"
        "recorder.shutil.copyfileobj = killed\n"
        f"destination = recorder.Destination(pathlib.Path({str(tmp_path)!r}), 'run', 'c' * 40, 'e', 'm')\n"
        "timing = Timing(1, (1e-4,), (1e-4,), (0,))\n"
        "recorder.record(destination, 'b', {}, device('cpu'), timing, lambda: torch.ones(2) + 1)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ended.returncode == -9, ended.stderr.decode()
    assert [path.name for path in tmp_path.rglob("*.gz")] == []
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left, "killed between writing and naming"
    assert remove_abandoned(tmp_path) == 0, "an hour must pass"
    for path in left:
        os.utime(path, (0, 0))
    assert remove_abandoned(tmp_path) == len(left)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_where_to_record_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("TBP_RESULTS_DIR", "TBP_MACHINE", "ASV_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    assert Destination.from_environment() is None, "outside asv nothing is recorded"
    monkeypatch.setenv("TBP_RESULTS_DIR", str(tmp_path))
    monkeypatch.setenv("TBP_MACHINE", "m")
    monkeypatch.setenv("ASV_COMMIT", "0123456789abcdef")
    monkeypatch.setenv("ASV_ENV_NAME", "tbp-py3.11")
    found = Destination.from_environment()
    assert found.folder == tmp_path / "m" / "01234567-tbp-py3.11.traces"


def test_result_files_of_long_environment_names_are_named_as_asv_names_them():
    asv_results = pytest.importorskip("asv.results")
    for environment in ("tbp-py3.11", "x" * 200):
        assert (
            asv_results.get_filename("m", "0123456789", environment)
            == f"m/{result_stem('0123456789', environment)}.json"
        )
