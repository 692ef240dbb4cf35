"""``tbp hotspots``: modules, lines, ranks and names that differ between runs, as a user meets them."""

import json
from pathlib import Path
from typing import Any

import pytest

from ..command_line import Run
from ..trace_events import event

STEP = {"cat": "user_annotation"}
PYTHON = {"cat": "python_function"}


def written(path: Path, events: list[dict[str, Any]], **header: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**header, "traceEvents": events}))
    return path


@pytest.fixture(autouse=True)
def in_the_folder_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traces are named from here: a temporary folder's path may be so long that lines with it are wrapped."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stacks() -> Path:
    events = [
        event("ProfilerStep#1", 0, 1_000, STEP),
        event("nn.Module: Net_0", 100, 500, PYTHON),
        event("net.py(5): forward", 110, 480, PYTHON),
        event("aten::mm", 140, 400),
        event("aten::add", 700, 100),
    ]
    return written(Path("stacks.json"), events)


def test_modules_and_lines_are_ranked(stacks: Path, run: Run) -> None:
    code, out, err = run("hotspots", stacks, "--group-by", "module")
    assert (code, err) == (0, "")
    assert [" ".join(line.split()) for line in out.splitlines()[3:]] == [
        "module self time share calls total time",
        "Net_0 500 µs 83 % 1 500 µs",
        "(no module) 100 µs 17 % 0 100 µs",
    ]
    _, out, _ = run("hotspots", stacks, "--group-by", "line", "--by", "total", "--json")
    (content,) = json.loads(out)["hotspots"]
    assert content["group_by"] == "line"
    assert [(row["operator"], row["total_us"]) for row in content["operators"]] == [
        ("net.py(5): forward", 480),
        ("(no function outside of torch)", 120),
    ]


def test_a_trace_without_stacks_cannot_be_grouped(run: Run) -> None:
    path = written(Path("plain.json"), [event("aten::mm", 0, 10)])
    for group, thing in (("module", "nn.Module"), ("line", "Python function")):
        code, out, err = run("hotspots", path, "--group-by", group)
        assert (code, out) == (2, "")
        assert f"has no {thing} to group by: record it with with_stack=True" in err
    code, _, err = run("hotspots", path, "--group-by", "line", "--by", "flops")
    assert code == 2
    code, _, err = run("hotspots", path, "--group-by", "line", "--shapes")
    assert "--shapes are of operators, not of a line" in err


def test_regions_of_torch_compile_are_ranked(run: Run) -> None:
    events = [
        event("ProfilerStep#1", 0, 1_000, STEP),
        event("Torch-Compiled Region: 0/0", 100, 400),
        event("## Call CompiledFxGraph fabc ##", 150, 300, STEP),
        event("triton_poi_fused_add_0", 200, 100),
        event("aten::mm", 600, 80),
        event("## Call CompiledFxGraph fxyz ##", 800, 50, STEP),  # the backward pass
    ]
    code, out, err = run("hotspots", written(Path("a.json"), events), "--group-by", "region", "--json")
    assert (code, err) == (0, "")
    (content,) = json.loads(out)["hotspots"]
    assert [(row["operator"], row["self_us"], row["total_us"]) for row in content["operators"]] == [
        ("Torch-Compiled Region: #1/## Call CompiledFxGraph #1 ##", 300, 300),
        ("Torch-Compiled Region: #1", 100, 400),
        ("(not compiled)", 80, 80),
        ("## Call CompiledFxGraph #2 ##", 50, 50),
    ]
    code, _, err = run("hotspots", written(Path("b.json"), events[4:5]), "--group-by", "region")
    assert code == 2
    assert "has no region of torch.compile to group by: record a compiled model" in err


def compiled(folder: Path, digest: str, region: str = "0/0") -> Path:
    """Three processes that run a compiled step; the hash of its graph is another after any edit."""
    for process in range(3):
        events = []
        for step in range(20):
            at = 1_000 + 1_000 * step
            events += [
                event(f"ProfilerStep#{step}", at, 900, STEP),
                event(f"Torch-Compiled Region: {region}", at + 10, 600),
                event(f"## Call CompiledFxGraph f{digest * 5} ##", at + 20, 500 + process, STEP),
                event("extern_kernels.mm", at + 30, 300),
                event(f"request_{digest}_{step}", at + 700, 50),
            ]
        written(folder / f"{process}.json", events)
    return folder


def test_an_edited_graph_is_the_same_graph(run: Run) -> None:
    """pytorch/pytorch#163976: every hash made two certain changes, 0 → 1 and 1 → 0 calls."""
    before, after = compiled(Path("a"), "07c1e9ab"), compiled(Path("b"), "f3a2d5b8", "1/0")
    (Path("pyproject.toml")).write_text("[tool.tbp.names]\n'^request_\\w+$' = \"request\"\n")
    _, out, _ = run("hotspots", before, after, "--json")
    (content,) = json.loads(out)["differences"]
    assert {
        row["operator"]: (row["kind"], row["calls_before"], row["calls_after"]) for row in content["operators"]
    } == {
        "## Call CompiledFxGraph #1 ##": ("same", 1, 1),
        "Torch-Compiled Region: #1": ("same", 1, 1),
        "extern_kernels.mm": ("same", 1, 1),
        "request": ("same", 1, 1),
    }
    assert content["exact"] == []
    _, out, _ = run("hotspots", Path("a") / "0.json")
    assert "recorded as ## Call CompiledFxGraph f07c1e9ab" in out


def test_a_bad_rule_is_one_clear_line(run: Run) -> None:
    path = written(Path("plain.json"), [event("aten::mm", 0, 10)])
    (Path("pyproject.toml")).write_text("[tool.tbp.names]\n'(a+)+$' = \"x\"\n")
    code, out, err = run("hotspots", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "[tool.tbp.names] '(a+)+$' has a repeat or a choice inside a repeat" in err


def gloo(folder: Path) -> Path:
    for rank, work in enumerate((300, 800, 300)):
        events = [
            event("ProfilerStep#0", 0, 1_000, STEP),
            event("aten::mm", 10, work),
            event("gloo:all_reduce", 20 + work, 970 - work, STEP | {"tid": 9}),
        ]
        noted = {"backend": "gloo", "rank": rank, "world_size": 3}
        written(folder / f"rank{rank}.json", events, distributedInfo=noted)
    return folder


def test_ranks_without_a_device_stand_side_by_side(run: Run) -> None:
    code, out, _ = run("hotspots", gloo(Path("run")))
    assert code == 0
    assert " ".join(out.split()).endswith(
        "3 ranks of one run (gloo) rank step communication share hidden waits clock "
        "0 1.00 ms 670 µs 67 % 0 % 500 µs 0 µs "
        "1 1.00 ms 170 µs 17 % 0 % 0 µs 0 µs "
        "2 1.00 ms 670 µs 67 % 0 % 500 µs 0 µs "
        "The others wait for rank 1: without waits its step takes 1.00 ms, theirs 500 µs; "
        "it is last at 1 of 1 collective; longer on its host: aten::mm +500 µs "
        "Ranks arrive 500 µs apart at a collective, mean of 1; by its end their clocks differ by up to 0 µs, ± 0 µs"
    )
    _, out, _ = run("hotspots", Path("run"), "--json")
    device = json.loads(out)["hotspots"][0]["device"]
    assert device["straggler"] == {
        "rank": 1, "work_us": 1_000, "usual_us": 500, "last": 1, "collectives": 1, "also": [],
        "operators": [{"operator": "aten::mm", "delta_us": 500, "clock": "host"}],
    }  # fmt: skip
    assert device["skew"] == {"collectives": 1, "arrival_us": 500, "clock_us": 0, "ends_us": 0}
    assert (device["devices"], device["kernels"], len(device["ranks"])) == ([], [], 3)


def test_a_run_of_three_ranks_is_one_session(run: Run) -> None:
    _, out, _ = run("hotspots", gloo(Path("a")), gloo(Path("b")))
    assert (
        "that takes 3 sessions on each side and 1 and 1 are given, as the ranks of one run are one session"
        in " ".join(out.split())
    )
    (Path("b") / "rank2.json").unlink()
    _, out, _ = run("hotspots", Path("a"), Path("b"))
    assert "Note: rank 2 left out, as not every run has its trace" in out


def test_of_two_runs_the_ranks_that_changed_alone_are_named(run: Run) -> None:
    _, out, _ = run("hotspots", gloo(Path("a")), gloo(Path("b")), "--json")
    assert [row["stands_out"] for row in json.loads(out)["differences"][0]["ranks"]] == [False] * 3
    _, out, _ = run("hotspots", Path("a"), Path("b"))
    assert "Ranks: none of 3 changed alone The others wait for rank 1" in " ".join(out.split())
