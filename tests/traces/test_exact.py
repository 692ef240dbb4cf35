"""What changed apart from time: moved calls, shapes, FLOPs, bytes, kernels; one session on each side is enough."""

from collections.abc import Callable
from typing import Any

import pytest

from tbp.traces.differences.difference import difference, explanation
from tbp.traces.operators.operators import TraceSession, session
from tbp.traces.reading.trace import Trace

SessionOf = Callable[..., TraceSession]
Entry = tuple[Any, ...]


@pytest.fixture
def session_of(trace_of: Callable[..., Trace]) -> SessionOf:
    def made(*entries: Entry) -> TraceSession:
        return session(trace_of(*entries))

    return made


def changes(before: TraceSession, after: TraceSession) -> dict[tuple[str, str], str]:
    exact = difference([before], [after]).exact
    return {(row["operator"], row["kind"]): row["sentence"] for _, row in exact.iterrows()}


def shaped(name: str, start: float, shapes: list[list[int]]) -> Entry:
    return (name, start, 1, {"args": {"Input Dims": shapes}})


def test_the_same_is_no_change(session_of: SessionOf) -> None:
    one = session_of(("encode", 0, 10), ("mm", 1, 2), ("decode", 20, 10))
    assert changes(one, one) == {}


def test_a_call_that_moved(session_of: SessionOf) -> None:
    before = session_of(("encode", 0, 10), ("mm", 1, 2), ("mm", 4, 2), ("decode", 20, 10))
    after = session_of(("encode", 0, 10), ("mm", 4, 2), ("decode", 20, 10), ("mm", 21, 2))
    assert changes(before, after) == {("mm", "moved"): "mm 1 call moved from encode to decode"}
    rows = difference([before], [after]).parents
    moved = rows[rows["operator"] == "mm"].set_index("parent")["delta_us"]
    assert (moved["encode"], moved["decode"]) == (-2, 2)
    assert rows["delta_us"].sum() == 0


def test_a_new_call_is_not_moved(session_of: SessionOf) -> None:
    before = session_of(("encode", 0, 10), ("mm", 1, 2), ("decode", 20, 10))
    after = session_of(("encode", 0, 10), ("mm", 1, 2), ("decode", 20, 10), ("mm", 21, 2))
    assert changes(before, after) == {}  # the difference's rows have it


def test_other_shapes_are_said_with_their_flops(session_of: SessionOf) -> None:
    before = session_of(shaped("aten::mm", 0, [[2, 3], [3, 5]]), shaped("aten::mm", 5, [[2, 3], [3, 5]]))
    after = session_of(shaped("aten::mm", 0, [[2, 3], [3, 5]]), shaped("aten::mm", 5, [[20, 30], [30, 50]]))
    assert changes(before, after) == {
        ("aten::mm", "shapes"): "aten::mm works on 2×3, 3×5 → 20×30, 30×50 in 1 of its calls",
        ("aten::mm", "flops"): "aten::mm 0.12 → 60.06 kFLOP",
    }


def test_a_side_without_shapes_says_nothing_of_them(session_of: SessionOf) -> None:
    before, after = session_of(shaped("aten::mm", 0, [[2, 3], [3, 5]])), session_of(("aten::mm", 0, 1))
    assert changes(before, after) == {}


def launch(kernel: str, copied: int) -> list[Entry]:
    runtime = {"cat": "cuda_runtime", "args": {"correlation": 1}}
    copy = {"cat": "cuda_runtime", "args": {"correlation": 2}}
    return [
        ("aten::mm", 0, 10, {"args": {"Input Dims": [[2, 3], [3, 5]]}}),
        ("cudaLaunchKernel", 1, 1, runtime),
        ("cudaMemcpyAsync", 3, 1, copy),
        (kernel, 20, 5, {"cat": "kernel", "tid": 7, "args": {"correlation": 1}}),
        ("Memcpy DtoD", 30, 5, {"cat": "gpu_memcpy", "tid": 7, "args": {"correlation": 2, "bytes": copied}}),
    ]


def test_another_kernel_and_other_bytes_under_the_same_operator(session_of: SessionOf) -> None:
    before, after = session_of(*launch("volta_sgemm", 64)), session_of(*launch("cutlass_gemm", 128_000))
    assert changes(before, after) == {
        ("aten::mm", "kernel"): "aten::mm on 2×3, 3×5 runs cutlass_gemm instead of volta_sgemm",
        ("aten::mm", "copied_bytes"): "aten::mm copied 0.064 → 128 kB",
    }


def test_sessions_that_disagree_say_nothing(session_of: SessionOf) -> None:
    short, long = (
        session_of(shaped("aten::mm", 0, [[2, 3], [3, 5]])),
        session_of(shaped("aten::mm", 0, [[4, 3], [3, 5]])),
    )
    exact = difference([short, long], [long, long]).exact
    assert exact is not None
    assert len(exact) == 0


def test_the_loss_of_both_sides_is_carried(session_of: SessionOf) -> None:
    whole, damaged = session_of(("mm", 0, 1)), session_of(("mm", 0, 1), ("mm", 5, -1))
    result = difference([whole], [damaged, damaged])
    assert not result.loss_before
    assert result.loss_after.untimed == 2
    assert "2 events" in result.loss_after.sentence


def test_what_else_changed_is_said_where_no_call_and_no_time_did(session_of: SessionOf) -> None:
    before, after = session_of(*launch("volta_sgemm", 64)), session_of(*launch("cutlass_gemm", 128_000))
    said = explanation(difference([before], [after]))
    assert said.startswith("The trace does not explain it")
    assert said.endswith(
        "; but operators did something else: aten::mm on 2×3, 3×5 runs cutlass_gemm instead of volta_sgemm"
    )


def test_a_kernel_s_name_of_a_page_is_told_by_both_ends(session_of: SessionOf) -> None:
    before, after = session_of(*launch("a" * 900, 64)), session_of(*launch("b" * 500 + "c" * 500, 64))
    sentence = changes(before, after)["aten::mm", "kernel"]
    assert len(sentence) < 200
    assert "bbb…" in sentence
    assert "…ccc" in sentence


def test_bytes_that_differ_in_their_last_digits_are_told_apart(session_of: SessionOf) -> None:
    before, after = session_of(*launch("k", 60_950_001)), session_of(*launch("k", 60_950_002))
    assert changes(before, after) == {("aten::mm", "copied_bytes"): "aten::mm copied 60.950001 → 60.950002 MB"}
