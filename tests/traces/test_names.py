"""Names that compare between runs, and those that must never become one."""

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tbp.traces.calls.names import RULES, NameRule, comparable_names
from tbp.traces.devices.ranks import rank_of
from tbp.traces.reading.read import read_trace

from ..trace_events import event

HASH_A = "fx3k7aq2mztb4n5cwdy6ueo2rhgvjlsip3qk4xwz2mntb5c6dyae"
HASH_B = "fz2mntb5c6dyaex3k7aq2mztb4n5cwdy6ueo2rhgvjlsip3qk4xw"
INDUCTOR = "claj7s6a77jhqhb4lsry5jtpwyu3zgsasgh6few5kg7bc5sfv4op"
ELEMENTWISE = "void at::native::vectorized_elementwise_kernel<{}, at::native::CUDAFunctor_add<float>, {}>(int, {})"


def texts(*names: str, first_ns: Sequence[int] | None = None, rules: Sequence[NameRule] = ()) -> list[str]:
    """The comparable name of each; first called in their order unless said."""
    starts = np.array(first_ns if first_ns is not None else range(len(names)), dtype=np.int64)
    comparable = comparable_names(names, lambda: starts, rules)
    return [comparable.texts[code] for code in comparable.code_of]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"## Call CompiledFxGraph {HASH_A} ##", f"## Call CompiledFxGraph {HASH_B} ##"),
        ("Torch-Compiled Region: 0/0", "Torch-Compiled Region: 1/0"),
        ("triton_poi_fused_add_0", "triton_poi_fused_add_7"),
        ("triton_red_fused_native_layer_norm_3d4d5d", "triton_red_fused_native_layer_norm_3d4d"),
        ("triton_per_fused__softmax_1_0d1d2de", "triton_per_fused__softmax_2_0d1d2de"),
        ("triton_red_fused_mean_8f3a2c", "triton_red_fused_mean_77b1d0"),
        ("cpp_fused_add_0", "cpp_fused_add_1"),
        ("graph_0_cpp_fused_add_0", "graph_1_cpp_fused_add_3"),
        ("cuda graph 12 replay", "cuda graph 15 replay"),
        ("CUDAGraph replay 3", "CUDAGraph replay 9"),
        ("ProfilerStep#12", "ProfilerStep#3"),
        ("<function f at 0x7f10>", "<function f at 0x7fa2b3c4>"),
        ("<built-in method append of list object at 0x7fb1>", "<built-in method append of list object at 0x55d0>"),
        ("call 0xABC", "call 0xDEF"),
        ("nccl:all_reduce_12", "nccl:all_reduce_400"),
        ("nccl:all_reduce#12", "nccl:all_reduce"),
        ("gloo:broadcast seq 4", "gloo:broadcast seq 5"),
        ("/tmp/torchinductor_user/xy/cxyz.py(12): call", "/var/tmp/torchinductor_root/ab/cab.py(80): call"),
        (f"cache/la/{INDUCTOR}.py(347): call", f"/x/ku/{INDUCTOR[:-2]}aa.py(12): call"),
        ("/home/a/v/lib/python3.11/site-packages/torch/_ops.py(9): f", "/opt/site-packages/torch/_ops.py(9): f"),
        ("/usr/lib/python3.11/typing.py(5): cast", "typing.py(7): cast"),
        ("/asv/env/0123456789abcdef0123456789abcdef/project/m.py(3): f", "m.py(3): f"),
        ("model.py(7): forward", "model.py(9): forward"),
        (ELEMENTWISE.format(4, "at::detail::Array<char*, 3> ", "at::detail::Array<char*, 3>"),
         ELEMENTWISE.format("(int)4", "std::array<char *, 3ul>", "std::array<char *, (unsigned long)3>")),
        ("void f<(anonymous namespace)::g>()", "void f<<unnamed>::g>()"),
        ("Cijk_Ailk_MT128x64 [clone .kd]", "Cijk_Ailk_MT128x64.kd"),
    ],
)  # fmt: skip
def test_names_of_one_thing_are_one_in_two_runs(before: str, after: str) -> None:
    assert texts(before) == texts(after)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("aten::conv2d", "aten::conv3d"),
        ("layer_1", "layer_2"),
        ("## step 1 ##", "## step 2 ##"),
        ("nn.Module: Linear_0", "nn.Module: Linear_1"),
        ("triton_poi_fused_add_0", "triton_poi_fused_mul_0"),
        ("triton_poi_fused_add_0", "triton_red_fused_add_0"),
        ("triton_poi_fused_avg_pool2d_0", "triton_poi_fused_avg_pool3d_0"),
        ("nccl:send 0->1", "nccl:send 0->2"),
        ("nccl:all_reduce_1", "nccl:all_gather_1"),
        ("nccl:all_reduce", "gloo:all_reduce"),
        ("k<0x10>()", "k<0x20>()"),
        ("volta_sgemm_128x32_nt", "volta_sgemm_32x128_nt"),
        ("a.py(7): forward", "b.py(7): forward"),
        ("a.py(7): forward", "a.py(7): backward"),
        ("void f<4>(int)", "void f<8>(int)"),
        ("void f<float>(int)", "void f<double>(int)"),
        ("op::{lambda(int)#1}", "op::{lambda(int)#2}"),
        ("std::array<char*, 2ul>", "std::array<char*, 3ul>"),
        ("torch/nn/functional.py(3): linear", "torch/functional.py(3): linear"),
    ],
)
def test_different_things_stay_two_even_in_two_runs(one: str, other: str) -> None:
    assert texts(one) != texts(other)


@pytest.mark.parametrize(
    "names",
    [
        ("triton_poi_fused_add_0", "triton_poi_fused_add_3"),
        (f"## Call CompiledFxGraph {HASH_A} ##", f"## Call CompiledFxGraph {HASH_B} ##"),
        ("Torch-Compiled Region: 0/0", "Torch-Compiled Region: 0/1"),
        ("model.py(7): forward", "model.py(70): forward"),
        ("/tmp/torchinductor_u/aa/ca.py(9): call", "/tmp/torchinductor_u/bb/cb.py(9): call"),
        ("cuda graph 1 replay", "cuda graph 2 replay"),
        ("triton_poi_fused_add_#1", "triton_poi_fused_add_1"),
        ("triton_poi_fused_add_1", "triton_poi_fused_add_#1"),
    ],
)
def test_two_things_of_one_trace_are_two(names: tuple[str, ...]) -> None:
    assert len(set(texts(*names))) == len(names)


def test_counters_order_by_number_and_hashes_by_their_first_call() -> None:
    assert texts("triton_poi_add_10", "triton_poi_add_9") == ["triton_poi_add_#2", "triton_poi_add_#1"]
    graphs = (f"CompiledFxGraph {HASH_A}", f"CompiledFxGraph {HASH_B}")
    assert texts(*graphs, first_ns=[5, 2]) == ["CompiledFxGraph #2", "CompiledFxGraph #1"]


def test_a_new_kernel_before_the_others_moves_no_other() -> None:
    assert texts("triton_poi_fused_add_0", "triton_red_fused_sum_1") == texts(
        "triton_poi_fused_add_1", "triton_red_fused_sum_2"
    )


def test_a_name_in_the_file_is_known_where_it_is_the_only_one() -> None:
    names = ["triton_poi_fused_add_4", "f at 0x10", "f at 0x20", "aten::mm"]
    comparable = comparable_names(names, lambda: np.arange(4))
    assert dict(zip(comparable.texts, comparable.recorded, strict=True)) == {
        "triton_poi_fused_add_#1": "triton_poi_fused_add_4",
        "f": "",
        "aten::mm": "",
    }


def test_rules_of_a_project_come_first_and_number_what_they_say() -> None:
    alike = NameRule(re.compile(r"^request_\d+$"), "request")
    numbered = NameRule(re.compile(r"^plan_\w+$"), "plan {n}")
    assert texts("request_1", "request_2", rules=[alike]) == ["request", "request"]
    assert texts("plan_b", "plan_a", rules=[numbered]) == ["plan #1", "plan #2"]
    assert texts("request_" + "1" * 5_000, rules=[alike]) != ["request"]


@pytest.mark.parametrize(
    "piece",
    ["0x", " at 0x1 ", "_1d", "a_", "nccl:a", "/site-packages/", "(1): ", "<1 ", "env/", "cuda graph ", "[clone .kd]"],
)
def test_no_rule_takes_long_for_a_name_made_to_exhaust_it(piece: str) -> None:
    name = (piece * 5_000)[:4_000]
    start_s = time.process_time()
    for rule in RULES:
        rule.pattern.sub("", name)
        rule.pattern.sub("", "triton_" + name)
    assert time.process_time() - start_s < 2  # a backtracking one takes minutes


def test_the_documented_table_is_what_happens() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "operator-names.md").read_text(encoding="utf-8")
    section = page.partition("\n## ")[0]
    rows = [[*re.findall(r"`([^`]+)`", cells[1]), cells[2].strip(" `")] for line in section.splitlines()
            if len(cells := line.split("|")) == 5 and "`" in cells[1]]  # fmt: skip
    assert len(rows) >= 15
    for *examples, compared in rows:
        assert [texts(example) for example in examples] == [[compared]] * len(examples)


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u2003"])
def test_an_event_without_a_name_is_unnamed_everywhere(tmp_path: Path, name: str) -> None:
    kernel = {"cat": "kernel", "pid": 0, "tid": 7, "args": {"correlation": 1}}
    launch = {"cat": "cuda_runtime", "args": {"correlation": 1}}
    path = tmp_path / "trace.json"
    events = [event(name, 0, 50), event("launch", 10, 5, launch), event(name, 60, 9, kernel)]
    path.write_text(json.dumps([*events, {"ph": "X", "pid": 1, "tid": 1, "ts": 100, "dur": 5}]))
    trace = read_trace(path)
    rank = rank_of(path, trace)
    assert rank.session.table.frame.set_index("operator")["calls"].to_dict() == {"(unnamed)": 2, "launch": 1}
    assert rank.device.kernels["kernel"].tolist() == ["(unnamed)"]
    assert rank.session.frames is not None
    assert set(rank.session.frames.rows["name"]) == {"(unnamed)", "launch"}
    assert rank.session.detail is not None
    assert "" not in {*rank.session.detail["operator"], *rank.session.detail["parent"]}


def test_a_rule_that_leaves_nothing_of_a_name_makes_it_unnamed() -> None:
    rules = [NameRule(re.compile(pattern), "") for pattern in ("^a$", "^b+$")]
    names = comparable_names(["a", "bb", ""], lambda: np.arange(3), rules)
    assert [names.texts[code] for code in names.code_of] == ["(unnamed)"] * 3
