"""Real recordings: the same code twice shows nothing certain, an injected operator is found and named."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tbp.history.agreement import Witnesses, doubt
from tbp.model.changes import Change
from tbp.traces.differences.difference import TraceDifference, difference, explanation
from tbp.traces.operators.operators import TraceSession, session
from tbp.traces.reading.trace import Trace

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """With threads, a busy neighbour turns 0.2 ms of GELU into 10 now and then: no rule finds a change in that."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


Step = Callable[[], object]
Record = Callable[..., Trace]


def attention(extra: Callable[..., Any] = lambda scores: scores, width: int = 32) -> Step:
    """One small attention, with ``extra`` applied to its scores."""
    q_BSK, k_BSK, v_BSK = (torch.randn(4, 32, width) for _ in range(3))
    projection = torch.nn.Linear(width, width)

    def step() -> object:
        with torch.no_grad():
            scores = extra(projection(q_BSK) @ k_BSK.transpose(1, 2) / width**0.5)
            return (scores.softmax(-1) @ projection(v_BSK)).relu().sum()

    return step


def compared(record: Record, before: Step, after: Step, sessions: int = 3) -> TraceDifference:
    """Sessions take turns, so that a slow spell of the machine meets both sides."""
    pairs = [(session(record(before)), session(record(after))) for _ in range(sessions)]
    sides: list[list[TraceSession]] = [list(side) for side in zip(*pairs, strict=True)]
    return difference(*sides)


def doubted(result: TraceDifference, timed: float = 1.3) -> str:
    """The doubt about a change of few runs that is as large as the traced one, or at least ``timed``."""
    ratio = max(timed, result.step_after_us / result.step_before_us)
    return doubt(Change(7, 1e-3, 1e-3 * ratio, 0.017, confirmed=True), Witnesses(result))


def certain(result: TraceDifference) -> set[str]:
    return set(result.rows[result.rows["certain"]]["operator"])


def test_the_same_code_shows_nothing_certain(recorded: Record) -> None:
    for _ in range(10):  # until a busy machine leaves both sides alone: a step that took twice as long is no doubt
        result = compared(recorded, attention(), attention())
        assert certain(result) == set()
        assert explanation(result).startswith("The trace does not explain it")
        if 2 / 3 < result.step_after_us / result.step_before_us < 3 / 2:
            break
    assert doubted(result, 2.49).startswith("its traces show the same operators and calls before and after")
    assert (result.rows["calls_before"] == result.rows["calls_after"]).all()


def test_a_mask_is_found(recorded: Record) -> None:
    mask = torch.ones(32, 32, dtype=torch.bool).triu(1)
    result = compared(recorded, attention(), attention(lambda scores: scores.masked_fill(mask, -1e9)))
    assert {"aten::masked_fill", "aten::masked_fill_"} <= certain(result)
    assert doubted(result) == ""
    kinds = result.rows.set_index("operator")["kind"]
    assert kinds["aten::masked_fill"] == kinds["aten::masked_fill_"] == "new"
    assert "aten::masked_fill 0 → 1 calls" in " ".join(result.rows["sentence"])
    assert result.rows["delta_us"].sum() + result.residual_us == pytest.approx(result.delta_us)


def test_two_more_softmaxes_are_found_with_one_session(recorded: Record) -> None:
    result = compared(recorded, attention(), attention(lambda scores: scores.softmax(-1).softmax(-1)), sessions=1)
    assert certain(result) == {"aten::softmax", "aten::_softmax"}
    rows = result.rows.set_index("operator")
    assert (rows.loc["aten::_softmax", ["calls_before", "calls_after"]] == [1, 3]).all()


def test_another_gelu_is_found_by_its_time_alone(recorded: Record) -> None:
    """GELU by erf and by tanh are one operator with equal calls and shapes."""
    x_SD = torch.randn(512, 1024)

    def feed_forward(kind: str) -> Step:
        inner = attention()

        def step() -> object:
            with torch.no_grad():
                return inner(), torch.nn.functional.gelu(x_SD, approximate=kind)

        return step

    result = compared(recorded, feed_forward("none"), feed_forward("tanh"), sessions=4)
    assert certain(result) == {"aten::gelu"}
    row = result.rows.set_index("operator").loc["aten::gelu"]
    assert row["kind"] == "time"
    assert row["calls_part_us"] == 0
    faster = Change(7, 1e-3, 1e-3 * result.step_after_us / result.step_before_us, 0.017, confirmed=True)
    assert doubt(faster, Witnesses(result)) == ""


def test_nothing_is_certain_among_ninety_operators_of_the_same_code(recorded: Record) -> None:
    torch.manual_seed(0)
    model = torch.nn.TransformerEncoderLayer(32, 2, 64, batch_first=True)
    optimizer = torch.optim.AdamW(model.parameters())
    x_BSD = torch.randn(2, 8, 32)

    def step() -> None:
        optimizer.zero_grad()
        model(x_BSD).sum().backward()
        optimizer.step()

    result = compared(recorded, step, step)
    assert len(result.rows) >= 90
    assert certain(result) == set(), result.rows[result.rows["certain"]]["sentence"].to_list()
    assert len(result.exact) == 0


def test_a_wider_product_is_found_by_its_time(recorded: Record) -> None:
    """Calls are the same; only the time of the products tells. Sixteen times the work stands far above any noise."""
    result = compared(recorded, attention(), attention(width=512))
    assert doubted(result) == ""
    rows = result.rows.set_index("operator")
    assert rows.loc["aten::addmm", "kind"] == "time"
    assert rows.loc["aten::addmm", "certain"]
    assert "aten::addmm" in explanation(result)
