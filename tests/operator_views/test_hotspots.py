"""``tbp hotspots`` as a user meets it, on real traces; hostile ones are literal."""

import base64
import gzip
import hashlib
import html
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from msgspec.structs import replace

from tbp.asv.stored_traces import StoredTraces, TraceSource, chosen, trace_files
from tbp.errors import UsageError
from tbp.operator_views.forms import to_json
from tbp.operator_views.table import views_table
from tbp.operator_views.views import By, ranking
from tbp.traces.operator_files import write_operators
from tbp.traces.read_recording import read_recording

from ..command_line import Run
from ..trace_events import event

A, B = "a" * 40, "b" * 40


def written(path: Path, *names: str, **header: object) -> Path:
    """A trace of operators of 1 µs, one after the other."""
    events = [event(name, 10 * place, 1) for place, name in enumerate(names)]
    path.write_text(json.dumps({**header, "traceEvents": events}))
    return path


def test_a_trace_is_ranked_by_self_time(
    recorded_traces: dict[str, list[Path]], run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "70")
    code, out, err = run("hotspots", recorded_traces[A][0], "--shapes", "--top", 2)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "suite.time_thing (width=64)"
    assert "5 steps; cpu, a processor; torch 2." in " ".join(lines[1:4])
    header = next(place for place, line in enumerate(lines) if line.startswith("operator"))
    assert lines[header].split() == ["operator", "self", "time", "share", "calls"]
    assert {lines[header + 1].split()[0], lines[header + 3].split()[0]} == {"aten::mm", "aten::_softmax"}
    assert "64×64" in out
    assert max(map(len, lines)) <= 70
    assert lines[-1].startswith("… and ")


def test_shares_are_of_the_whole(recorded_traces: dict[str, list[Path]]):
    source = TraceSource("x", (), recordings=(read_recording(recorded_traces[A][0]),))
    own = ranking(source)
    assert own.by is By.SELF
    assert own.rows["share"].sum() == pytest.approx(1)
    total = ranking(source, By.TOTAL)
    assert total.rows["share"].max() < 1.001  # the largest is what calls the others
    assert total.rows["total_us"].is_monotonic_decreasing
    with pytest.raises(UsageError, match="nothing ran on a device"):
        ranking(source, By.DEVICE)


def test_a_slow_step_does_not_lead_the_ranking(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "trace.json"
    steps = [event(f"ProfilerStep#{step}", 10_000 * step, 9_000) for step in range(5)]
    usual = [event("aten::mm", 10_000 * step, 50) for step in range(5)]
    short = [event("aten::add", 10_000 * step + 100, 8_000 if step == 3 else 10) for step in range(5)]
    path.write_text(json.dumps({"traceEvents": [*steps, *usual, *short]}))
    _, out, _ = run("hotspots", path)
    assert "60.0 µs on the host per step (median), under the profiler" in out
    assert out.index("aten::mm") < out.index("aten::add")
    _, out, _ = run("hotspots", path, "--by", "total")
    assert "1.66 ms on the host per step (mean), under the profiler" in out
    assert out.index("aten::add") < out.index("aten::mm")


def test_two_commits_differ_in_their_calls_first(traced_results: Path, run: Run):
    code, out, _ = run("hotspots", "aaaa", "bbbb", "--results", traced_results)
    assert code == 0
    assert "before: aaaaaaaa: 3 traces of 5 steps; cpu, a processor" in out
    calls, times = out.index("Calls, exact (2)"), out.index("\nTimes")
    assert calls < out.index("aten::_softmax 1 → 2 calls (") < times < out.index("Machine: ") < out.index("Residual: ")


def test_times_of_single_traces_are_not_judged(recorded_traces: dict[str, list[Path]], run: Run):
    _, out, _ = run("hotspots", recorded_traces[A][0], recorded_traces[B][0])
    assert "aten::_softmax 1 → 2 calls (" in out
    assert "Times: not judged, that takes 3 traces on each side and 1 and 1 are given" in out


def name_width(results: Path, width: str) -> None:
    """Give the last session of the commit A another width, as if it were of a second cell."""
    for path in results.glob(f"*/{A[:8]}-env.traces/*/64-0.s2.session.json.gz"):
        facts = json.loads(gzip.decompress(path.read_bytes())) | {"parameters": {"width": width}}
        path.write_bytes(gzip.compress(json.dumps(facts).encode()))


def test_several_cells_are_listed_unless_chosen(traced_results: Path, run: Run):
    name_width(traced_results, "128")
    arguments = ("hotspots", "aaaa", "--results", traced_results)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "there are traces of 2 cells at aaaa; choose with --bench REGEX" in err
    assert err.endswith("shows all): suite.time_thing (width=128); suite.time_thing (width=64)\n")
    _, out, _ = run(*arguments, "--bench", r"time_thing\(64")
    assert out.startswith("suite.time_thing (width=64)\naaaaaaaa: 2 traces of 5 steps")
    _, out, _ = run(*arguments, "--bench", ".")
    assert "suite.time_thing (width=128)\naaaaaaaa: 5 steps" in out
    assert "suite.time_thing (width=64)\naaaaaaaa: 2 traces" in out
    code, _, err = run(*arguments, "--bench", "nothing")
    assert (code, "leave no trace of aaaaaaaa; choose among: suite.time_thing" in err) == (2, True)
    for option in ("--machine", "--environment"):
        code, _, err = run(*arguments, option, "nosuch")
        assert (code, f"{option} nosuch: no trace is of it; there are traces of " in err) == (2, True)


def test_a_twin_is_shown_where_it_is_asked_for(traced_results: Path, run: Run):
    name_width(traced_results, "64_twin")
    arguments = ("hotspots", "aaaa", "--results", traced_results)
    code, out, _ = run(*arguments)
    assert (code, out.splitlines()[0]) == (0, "suite.time_thing (width=64)")
    assert "64_twin" not in out
    _, out, _ = run(*arguments, "--bench", ".")
    assert "suite.time_thing (width=64_twin)\naaaaaaaa: 5 steps" in out


def test_a_folder_and_a_pattern_are_the_traces_of_one_cell(recorded_traces: dict[str, list[Path]]):
    folder = recorded_traces[A][0].parent
    assert len(trace_files(str(folder))) == 6
    (source,) = chosen(f"{folder}/a*", StoredTraces())
    assert len(source.recordings) == 3
    assert source.cell == "suite.time_thing (width=64)"


def test_what_was_lost_is_said(tmp_path: Path, run: Run):
    path = written(tmp_path / "cut.json", "aten::mm", "aten::add")
    path.write_text(path.read_text()[:-20])
    code, out, _ = run("hotspots", path)
    assert code == 0
    assert "Note: cut.json: " in out
    assert "no steps marked, all counts as one; cpu; torch version not recorded" in out.replace("\n", " ")


def test_an_unreadable_file_among_others_is_left_out(tmp_path: Path, run: Run):
    written(tmp_path / "a.json", "aten::mm")
    (tmp_path / "b.json").write_text("no trace")
    code, out, _ = run("hotspots", tmp_path)
    assert code == 0
    assert "Note: left out: " in " ".join(out.split())  # however wide the terminal is
    (tmp_path / "a.json").unlink()
    code, out, err = run("hotspots", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)


HOSTILE = "\x1b[31maten::mm\u202e\n<b>" + "x" * 500 + "end"


def test_a_hostile_name_is_seen_and_fits(tmp_path: Path):
    path = written(tmp_path / "hostile.json", HOSTILE, tbp={"benchmark": HOSTILE, "torch": HOSTILE})
    (source,) = chosen(str(path), StoredTraces())
    text = views_table([ranking(source)], None, False, 60)
    assert not set(text) & {"\x1b", "\u202e"}
    assert "\ufffd[31maten::mm\ufffd <b>" in text
    assert max(map(len, text.splitlines())) <= 60
    content = json.loads(to_json([ranking(source)]))
    assert content["hotspots"][0]["operators"][0]["operator"] == HOSTILE


@pytest.mark.parametrize("tbp", ["[]", '{"torch": 3}', '{"parameters": [1]}', "[" * 500 + "]" * 500])
def test_metadata_of_any_kind_is_no_reason_to_stop(tmp_path: Path, tbp: str):
    path = written(tmp_path / "trace.json", "aten::mm", tbp=0)
    path.write_text(path.read_text().replace('"tbp": 0', f'"tbp": {tbp}'))
    assert read_recording(path).about.torch == ""


def test_json_and_csv_hold_every_operator(tmp_path: Path, recorded_traces: dict[str, list[Path]], run: Run):
    trace, file = recorded_traces[A][0], tmp_path / "rows.csv"
    code, out, _ = run("hotspots", trace, "--json", f"--csv={file}")
    (content,) = json.loads(out, parse_constant=pytest.fail)["hotspots"]
    assert (code, content["by"], content["facts"]["steps"]) == (0, "self", [5])
    names = [row["operator"] for row in content["operators"]]
    assert list(pd.read_csv(file)["operator"]) == names
    assert "aten::_softmax" in names
    _, out, _ = run("hotspots", trace, recorded_traces[B][0], "--csv", "--top", "1")
    assert list(pd.read_csv(io.StringIO(out))["cell"]) == ["suite.time_thing (width=64)"]
    _, out, _ = run("hotspots", trace, recorded_traces[B][0], "--json")
    assert json.loads(out, parse_constant=pytest.fail)["differences"][0]["enough_sessions"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["not-there.json"], "there is no file not-there.json"),
        (["no*"], "there is no file no*"),
        (["folder"], "folder is a folder without a trace directly in it"),
        (["a", "b", "c"], "put a pattern of one cell's traces in quotes"),
        (["a", "b", "--by", "self"], "--by self is not for two traces: use --by change or --by lost"),
        (["a", "--json", "--csv"], "only one of --json and --csv"),
        (["a", "--csv", "nowhere/x.csv"], "there is no folder nowhere"),
        (["HEAD"], "this folder has no asv.conf.json"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_line(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    code, out, err = run("hotspots", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_neither_git_nor_results_nor_torch_are_needed(tmp_path: Path):
    path = written(tmp_path / "trace.json", "aten::mm")
    program = (
        "import sys\n"
        "from tbp.__main__ import main\n"
        f"code = main(['hotspots', {str(path)!r}])\n"
        "sys.exit(', '.join({'torch', 'asv', 'scipy', 'plotly'} & set(sys.modules)) or code)\n"
    )
    variables = {**os.environ, "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "aten::mm" in done.stdout


def on_device(path: Path, rank: int, busy_us: int, *, world_size: int = 2) -> Path:
    """A rank whose step of 100 µs launches a product, a collective and a copy; half of it overlaps."""
    entries = [
        ("user_annotation", "ProfilerStep#1", 1, 0, 100, {}),
        ("cpu_op", "aten::mm", 1, 1, 5, {}),
        ("cuda_runtime", "cudaLaunchKernel", 1, 2, 1, {"correlation": 1}),
        ("cpu_op", "nccl:all_reduce", 1, 10, 5, {}),
        ("cuda_runtime", "cudaLaunchKernel", 1, 11, 1, {"correlation": 2}),
        ("cpu_op", "aten::copy_", 1, 20, 5, {}),
        ("cuda_runtime", "cudaMemcpyAsync", 1, 21, 1, {"correlation": 3}),
        ("kernel", "sgemm", 7, 30, busy_us, {"correlation": 1}),
        ("kernel", "ncclDevKernel_AllReduce", 8, 30, 2 * busy_us, {"correlation": 2}),
        ("gpu_memcpy", "Memcpy HtoD", 7, 95, 2, {"correlation": 3, "bytes": 4096}),
    ]
    events = [
        event(name, ts, dur, {"cat": cat, "pid": int(tid == 1), "tid": tid, "args": arguments})
        for cat, name, tid, ts, dur, arguments in entries
    ]
    told = {"backend": "nccl", "rank": rank, "world_size": world_size}
    path.write_text(json.dumps({"distributedInfo": told, "traceEvents": events}))
    return path


def test_what_the_device_did_is_said_below_the_operators(tmp_path: Path, run: Run):
    path = on_device(tmp_path / "r0.json", 0, 10)
    code, out, _ = run("hotspots", path)
    text = " ".join(out.split())
    assert code == 0
    assert "Device 0: busy 22 % of the time, idle 78 %; per step kernels 30.0 µs in 2 launches" in text
    assert "copies 2.00 µs in 1 copy of 4.00 KiB" in text
    assert "communication 20.0 µs of it (62 % of the device's time), 10.0 µs with nothing else running" in text
    assert "This is rank 0 of 2 of a distributed run (nccl)" in text
    assert "ncclDevKernel_AllReduce 20.0 µs 62 % 1 of nccl:all_reduce sgemm 10.0 µs 31 % 1 of aten::mm" in text
    _, out, _ = run("hotspots", path, "--top", 1)
    assert out.endswith("… and 2 more kernels: 38 %\n")


def test_ranks_of_one_run_stand_together(tmp_path: Path, run: Run):
    for rank, busy_us in ((0, 10), (1, 20)):
        on_device(tmp_path / f"r{rank}.json", rank, busy_us, world_size=3)
    _, out, _ = run("hotspots", tmp_path)
    lines = [line.split() for line in out.splitlines()]
    assert "2 ranks of one run (nccl); without a trace: 2" in out
    at = lines.index(["rank", "step", "busy", "idle", "communication", "share", "hidden", "waits", "clock"])
    assert " ".join(lines[at + 1]) == "0 100 µs 22 % 78 % 20.0 µs 62 % 50 % 0 µs −10.0 µs"
    assert " ".join(lines[at + 2]) == "1 100 µs 42 % 58 % 40.0 µs 65 % 50 % 20.0 µs +10.0 µs"
    assert (
        "Ranks arrive 20.0 µs apart at a collective, mean of 1; by its end their clocks differ by up to 20.0 µs" in out
    )
    _, out, _ = run("hotspots", tmp_path, "--json")
    device = json.loads(out, parse_constant=pytest.fail)["hotspots"][0]["device"]
    assert [row["rank"] for row in device["ranks"]] == [0, 1]
    assert (device["missing_ranks"], device["world_size"], device["runs"]) == ([2], 3, 1)
    (shared,) = device["devices"]
    assert (shared["busy_share"], shared["kernel_us"]) == (pytest.approx(0.32), pytest.approx(45))
    assert device["kernels"][0]["total_us"] == pytest.approx(30)


def test_without_a_device_nothing_is_said_of_one(tmp_path: Path, run: Run):
    path = written(tmp_path / "a.json", "aten::mm")
    _, out, _ = run("hotspots", path)
    assert "Device" not in out
    assert "kernel" not in out
    _, out, _ = run("hotspots", path, "--json")
    assert json.loads(out)["hotspots"][0]["device"] is None


def test_a_call_that_moved_and_another_shape_are_shown(tmp_path: Path, run: Run):
    def calling(name: str, callers: tuple[str, str], size: int) -> Path:
        at = 100 * ("a", "b").index(callers[0]) + 10
        inner = event("aten::mm", at, 20, {"args": {"Input Dims": [[2, size], [size, 5]]}})
        path = tmp_path / name
        path.write_text(json.dumps({"traceEvents": [event("a", 0, 50), event("b", 100, 50), inner]}))
        return path

    before, after = calling("before.json", ("a", "b"), 3), calling("after.json", ("b", "a"), 4)
    _, out, _ = run("hotspots", before, after)
    assert "Moved calls, shapes, FLOPs, bytes and kernels, exact (3)" in out
    assert "aten::mm 1 call moved from a to b" in out
    assert "aten::mm works on 2×3, 3×5 → 2×4, 4×5 in 1 of its calls" in out
    _, out, _ = run("hotspots", before, after, "--json")
    (found,) = json.loads(out, parse_constant=pytest.fail)["differences"]
    assert {row["kind"] for row in found["exact"]} == {"moved", "shapes", "flops"}
    assert {(row["parent"], row["operator"], row["delta_us"]) for row in found["callers"]} >= {
        ("a", "aten::mm", -20.0), ("b", "aten::mm", 20.0),
    }  # fmt: skip
    assert found["explanation"].startswith("The trace does not explain it")


def test_losses_are_in_every_form(tmp_path: Path, run: Run):
    whole, cut = written(tmp_path / "whole.json", "aten::mm"), written(tmp_path / "cut.json", "aten::mm", "aten::add")
    cut.write_text(cut.read_text()[:-20])
    lost = "cut.json: the file ends inside its events: those after the first 1 are lost"
    assert lost in " ".join(run("hotspots", whole, cut)[1].split())
    (found,) = json.loads(run("hotspots", whole, cut, "--json")[1])["differences"]
    assert found["after"]["losses"] == [lost]
    assert found["explanation"].endswith(f"the traces after are incomplete: {lost.partition(': ')[2]}")
    for arguments in ((cut,), (whole, cut)):
        table = pd.read_csv(io.StringIO(run("hotspots", *arguments, "--csv")[1]))
        assert set(table["losses"]) == {lost}


def test_a_flame_graph_is_one_file_that_asks_for_nothing(
    tmp_path: Path, recorded_traces: dict[str, list[Path]], run: Run
):
    file = tmp_path / "flame.html"
    sides = [str(recorded_traces[commit][0].parent / f"{commit[0]}*.json.gz") for commit in (A, B)]
    code, out, err = run("hotspots", *sides, "--flame", file)
    text = file.read_text("utf-8")
    assert (code, err) == (0, f"flame graph: {file}\n")
    assert "1 → 2 calls" in out
    assert "coloured by change" in text
    assert "aten::_softmax" in text
    without_scripts = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"""\b(src|href)=["']?(?!#)[^"' >]""", without_scripts)
    policy = html.unescape(text.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0])
    for script in re.findall(r"<script>(.*?)</script>", text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_a_flame_graph_of_a_hostile_trace_holds_no_element_of_its(tmp_path: Path, run: Run):
    trace = written(tmp_path / "<b>.json", "</script><img src=x onerror=alert(1)>", "\u202e")
    file = tmp_path / "flame.html"
    assert run("hotspots", trace, "--flame", file)[0] == 0
    text = file.read_text("utf-8")
    assert "<img" not in text
    assert "<b>.json" not in text
    assert "\u202e" not in text


def test_what_was_kept_without_callers_has_no_flame_graph(
    tmp_path: Path, recorded_traces: dict[str, list[Path]], run: Run
):
    recording = read_recording(recorded_traces[A][0])
    old = tmp_path / "old.operators.json.gz"
    write_operators(replace(recording, session=replace(recording.session, frames=None)), old)
    code, _, err = run("hotspots", old, "--flame", tmp_path / "flame.html")
    assert (code, "without callers: record its traces again" in err) == (2, True)
    assert not (tmp_path / "flame.html").exists()
