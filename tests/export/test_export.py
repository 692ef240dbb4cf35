"""``tbp export``: copies for viewers, and a real TensorBoard that shows the same numbers."""

import gzip
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tbp.errors import UnreadableTrace
from tbp.export.document import read_copy
from tbp.export.tensorboard import for_tensorboard
from tbp.traces.operators.operators import whole_trace_table
from tbp.traces.reading.read import read_trace

from ..command_line import Run
from ..result_folders import shared_data

A, B = "a" * 40, "b" * 40


def strict(path: Path) -> dict[str, Any]:
    """The JSON at ``path``, which may hold nothing that JSON does not have."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.name.endswith(".gz") else data
    content = json.loads(text.decode("utf-8"), parse_constant=pytest.fail)
    assert isinstance(content, dict)
    return content


def events(*entries: dict[str, Any]) -> str:
    return json.dumps({"traceEvents": [{"ph": "X", "pid": 1, "tid": 1, **entry} for entry in entries]})


def for_plugin(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    path = tmp_path / "trace.json"
    path.write_text(text)
    return [json.loads(event) for event in for_tensorboard(read_copy(path)).events]


def test_categories_are_the_plugin_s(tmp_path: Path):
    names = [
        "cpu_op", "user_annotation", "cuda_driver", "hip_runtime", "gpu_memcpy", "gpu_memset", "kernel", "fwdbwd",
        "gpu_user_annotation", "ac2g",
    ]  # fmt: skip
    written = for_plugin(tmp_path, events(*({"name": "n", "cat": name, "ts": 1, "dur": 1, "id": 1} for name in names)))
    assert [event["cat"] for event in written] == [
        "Operator", "Operator", "Runtime", "Runtime", "Memcpy", "Memset", "Kernel", "forward_backward",
        "gpu_annotation", "ac2g",
    ]  # fmt: skip


def test_a_launch_and_its_kernel_carry_the_id_of_the_operator_around_it(tmp_path: Path):
    outer = {"name": "aten::linear", "cat": "cpu_op", "ts": 1, "dur": 9}
    inner = {"name": "aten::addmm", "cat": "cpu_op", "ts": 2, "dur": 7, "args": {"External id": 77}}
    launch = {"name": "cudaLaunchKernel", "cat": "cuda_runtime", "ts": 3, "dur": 1, "args": {"correlation": 5}}
    lone = {"name": "cudaLaunchKernel", "cat": "cuda_runtime", "ts": 20, "dur": 1, "args": {"correlation": 6}}
    kernels = [
        {"name": "k", "cat": "kernel", "tid": 7, "ts": 30, "dur": 1, "args": {"correlation": number, "device": 0}}
        for number in (5, 6)
    ]
    written = for_plugin(tmp_path, events(outer, inner, launch, lone, *kernels))
    assert [event["args"]["External id"] for event in written] == [1, 2, 2, 0, 2, 0]


def test_times_add_up_exactly_and_begin_at_1_ms(tmp_path: Path):
    outer = {"name": "a", "cat": "cpu_op", "ts": "1712195495519689.047", "dur": 5.3}
    inner = {"name": "b", "cat": "cpu_op", "ts": "1712195495519692.247", "dur": 2.1}
    text = re.sub(r'"(\d+\.\d+)"', r"\1", events(outer, inner))
    first, second = for_plugin(tmp_path, text)
    assert first["ts"] == 1000
    assert first["ts"] + first["dur"] == second["ts"] + second["dur"]
    assert second["ts"] - first["ts"] == pytest.approx(3.2, abs=0.001)


def test_what_stops_the_plugin_is_renamed_or_left_out(tmp_path: Path):
    written = for_plugin(
        tmp_path,
        events(
            {"name": "ProfilerStep#x", "cat": "user_annotation", "ts": 1, "dur": 1},
            {"name": "aten::mm", "cat": "cpu_op", "tid": "main", "ts": 1, "dur": 1},
            {"cat": None, "tid": "1", "ts": 1, "dur": 1},
            {"name": "no time", "cat": "cpu_op"},
            {"ph": "s", "name": "arrow", "cat": "fwdbwd", "ts": 1},
        ),
    )
    assert [(event["name"], event["cat"]) for event in written] == [
        ("ProfilerStep#x", "annotation"), ("aten::mm", "Operator"), ("", "Operator"), ("arrow", "arrow"),
    ]  # fmt: skip
    assert all(isinstance(event["tid"], int) for event in written)


def test_a_commit_is_a_run_with_a_span_for_each_session(tmp_path: Path, traced_results: Path, run: Run):
    target = tmp_path / "log"
    code, out, err = run("export", "--tensorboard", target, "aaaa", "bbbb", "--results", traced_results)
    assert (code, err) == (0, "")
    assert out == f"traces written to {target}: 6; `tensorboard --logdir {target}` shows them\n"
    runs = {path.name: sorted(own.name for own in path.iterdir()) for path in sorted(target.iterdir())}
    assert list(runs) == ["aaaaaaaa-suite.time_thing-64-0", "bbbbbbbb-suite.time_thing-64-0"]
    for names in runs.values():
        assert len(names) == 3
        assert all(re.fullmatch(r"box\.\d{15,}\.pt\.trace\.json", name) for name in names)


def test_a_plain_copy_is_the_trace_repaired(tmp_path: Path, run: Run):
    path, copy = tmp_path / "broken.json", tmp_path / "copy.json.gz"
    good = '{"ph": "X", "cat": "cpu_op", "name": "a", "pid": 1, "tid": 1, "ts": 1712195495519689.047, "dur": 1.5}'
    odd = good.replace('"a"', '"b\\q"').replace("1.5", '2, "args": {"x": NaN, "y": N/A, "ok": "NaN"}')
    path.write_text(f'{{"schemaVersion": 1, "traceEvents": [{good}, {odd}, {good[:40]}')
    code, out, err = run("export", "--perfetto", copy, path)
    assert (code, "ui.perfetto.dev" in out, "broken.json: " in err) == (0, True, True)
    content = strict(copy)
    assert content["schemaVersion"] == 1
    assert [event["name"] for event in content["traceEvents"]] == ["a", "b\\q"]
    assert content["traceEvents"][1]["args"] == {"x": None, "y": None, "ok": "NaN"}
    assert b'"ts": 1712195495519689.047' in gzip.decompress(copy.read_bytes())


def test_several_traces_go_into_a_folder(tmp_path: Path, recorded_traces: dict[str, list[Path]], run: Run):
    traces = recorded_traces[A]
    assert run("export", "--plain", tmp_path / "out", *traces)[0] == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a0.json.gz", "a1.json.gz", "a2.json.gz"]
    code, _, err = run("export", "--plain", tmp_path / "one.json", *traces)
    assert (code, "name a folder" in err) == (2, True)
    code, _, err = run("export", "--plain", traces[0], traces[0])
    assert (code, "is the trace itself" in err) == (2, True)
    read_trace(traces[0])


@pytest.mark.slow
def test_every_trace_there_is_becomes_valid_json(tmp_path: Path):
    folder = shared_data()
    with tarfile.open(folder / "traces" / "broken.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    copied = 0
    for path in (*(folder / "traces").glob("*/*.json.gz"), *tmp_path.rglob("*.json*")):
        try:
            timed = len(read_trace(path))
            document = read_copy(path)
        except UnreadableTrace:
            continue
        content = json.loads(b"".join(document.text()).decode("utf-8"), parse_constant=pytest.fail)
        # The reader counts doubled events once.
        assert sum(event.get("ph") == "X" for event in content["traceEvents"]) >= timed, path.name
        copied += 1
    assert copied >= 20


@contextmanager
def tensorboard(logdir: Path) -> Iterator[str]:
    """A TensorBoard on a free port of this machine; its address. It and all that it started is gone at the end."""
    command = [sys.executable, "-W", "ignore", "-m", "tensorboard.main", "--logdir", str(logdir)]
    log = logdir.parent / "tensorboard.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", "0", "--load_fast", "false"],
            stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
        try:
            yield _address(process, log)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    assert not _lives(process.pid)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline_s = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline_s:
        if found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text(errors="replace")):
            return found[0]
        time.sleep(0.2)
    pytest.fail(f"TensorBoard did not start:\n{log.read_text(errors='replace')}")


def _lives(group: int) -> bool:
    for _ in range(50):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


def asked(address: str, route: str, **query: str) -> Any:
    """What the plugin answers."""
    url = f"{address}/data/plugin/pytorch_profiler/{route}?{urlencode(query)}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        data = answer.read()
    return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def loaded(address: str, runs: int) -> list[str]:
    deadline_s = time.monotonic() + 200
    while time.monotonic() < deadline_s:
        answer = asked(address, "runs")
        if len(answer["runs"]) == runs and not answer["loading"]:
            return list(answer["runs"])
        time.sleep(0.5)
    pytest.fail(f"TensorBoard has loaded only {answer}")


@pytest.mark.slow
def test_tensorboard_shows_our_numbers(tmp_path: Path, recorded_traces: dict[str, list[Path]], run: Run):
    if importlib.util.find_spec("torch_tb_profiler") is None:
        pytest.skip("the extra tensorboard is not installed")
    traces = {"a0": recorded_traces[A][0]}
    if folder := os.environ.get("TBP_TEST_DATA"):
        mi250, v100 = (Path(folder) / "traces" / name for name in ("mi250", "v100"))
        traces["mi250_minitoy_train_ROCm6_2_kineto"] = next(mi250.iterdir())
        traces["rank-0.Apr_03_18_51_38.1102"] = next(v100.iterdir())
    assert run("export", "--tensorboard", tmp_path / "log", *traces.values())[0] == 0
    with tensorboard(tmp_path / "log") as address:
        runs = loaded(address, len(traces))
        for name, trace in traces.items():
            (shown,) = [run for run in runs if run.startswith(name) or (name == "a0" and "time_thing" in run)]
            (worker,) = asked(address, "workers", run=shown, view="Operator")
            (span,) = asked(address, "spans", run=shown, worker=worker)
            where = {"run": shown, "worker": worker, "view": "Operator", "span": span}
            rows = asked(address, "operation/table", **where, group_by="Operation")["data"]
            assert_same(rows, trace, on_device=name != "a0")


def assert_same(rows: list[dict[str, Any]], trace: Path, on_device: bool) -> None:
    """The plugin's operators are ours: its times are whole µs."""
    ours = whole_trace_table(read_trace(trace)).frame.set_index("operator")
    # It leaves out launches, steps, Python functions, and by name optimizers and data parallel modules.
    left_out = r"cuda[A-Z]|hip[A-Z]|ProfilerStep|Optimizer\.|Distributed|enumerate"
    assert {row["name"] for row in rows} == {name for name in ours.index if not re.match(left_out, name)}
    for row in rows:
        own = ours.loc[row["name"]]
        assert row["calls"] == own["calls"], row["name"]
        assert row["host_self_duration"] == pytest.approx(own["self_us"], abs=1), row["name"]
        assert row["host_total_duration"] == pytest.approx(own["total_us"], abs=1), row["name"]
        if on_device:
            assert row["device_self_duration"] == pytest.approx(own["self_device_us"], abs=1), row["name"]
            assert row["device_total_duration"] == pytest.approx(own["total_device_us"], abs=1), row["name"]
    assert any(row.get("device_self_duration", 0) > 0 for row in rows) is on_device


def test_a_copy_has_as_much_as_the_reader_finds(tmp_path: Path, run: Run):
    whole = [
        {"name": "aten::mm", "cat": "cpu_op", "ts": n, "dur": 1, "args": {"External id": n}} for n in range(1, 501)
    ]
    path, copy = tmp_path / "damaged.json", tmp_path / "copy.json"
    text = events(*whole)
    path.write_text(text.replace('"External id": 100}}', '"External id": 100}', 1) + events(*whole[:3]) + '{"ph": "X",')
    code, _, err = run("export", "--perfetto", copy, path)
    assert (code, "left out as unreadable: 1 event" in err, "1 trace" in err) == (0, True, True)
    assert len(read_trace(copy)) == len(read_trace(path)) == 499
    assert len(strict(copy)["traceEvents"]) == 502


def test_more_events_than_tensorboard_shows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run):
    monkeypatch.setattr("tbp.export.document.MOST_HELD_EVENTS", 2)
    path = tmp_path / "long.json"
    path.write_text(events(*({"name": "n", "cat": "cpu_op", "ts": n, "dur": 1} for n in range(3))))
    code, _, err = run("export", "--tensorboard", tmp_path / "log", path)
    assert (code, "holds more than 2 events, too many for TensorBoard; use --perfetto" in err) == (2, True)
    assert run("export", "--perfetto", tmp_path / "copy.json", path)[0] == 0
