"""Two sides' frames, joined by path: what is new, gone, slower, and what only looks like it."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from tbp.traces.differences.frame_difference import FrameDifference, frame_difference, marks, pruned_difference
from tbp.traces.frames.frames import Frames

from ..flames import frames, paths

Tree = Mapping[str, tuple[int, int]]


def tree(rows: Tree, steps: int = 1, step_ns: int = 0) -> Frames:
    """Literal frames: path → (calls, µs) over all steps; "…" stands for several small ones."""
    kinds = {path: "smaller" if path.endswith("…") else "operator" for path in rows}
    literal = {path: (kinds[path], calls, 1000 * time_us, 0) for path, (calls, time_us) in rows.items()}
    return frames(literal, steps, step_ns, 1)


def marked(
    before: Tree, after: Tree, factor: float = 1.0, certain: Mapping[str, int] = MappingProxyType({})
) -> dict[str, tuple[str, bool]]:
    """path → (mark, certain)."""
    found = frame_difference(tree(before), tree(after))
    what = marks(found, "host", factor, certain)
    return dict(zip(paths(found), zip(what.kind, what.certain.tolist(), strict=True), strict=True))


def test_every_path_of_any_side_once_per_step() -> None:
    found = frame_difference(
        tree({"a": (2, 10), "a > x": (2, 4)}, steps=2, step_ns=40_000), tree({"a": (1, 7), "b": (3, 9)}, step_ns=30_000)
    )
    rows = found.rows
    assert rows["name"].tolist() == ["a", "b", "x"]
    assert rows["calls_before"].tolist() == [1, 0, 1]
    assert rows["calls_after"].tolist() == [1, 3, 0]
    assert rows["self_before_us"].tolist() == [5, 0, 2]
    assert rows["self_after_us"].tolist() == [7, 9, 0]
    assert found.total_us("before").tolist() == [7, 0, 2]
    assert (found.step_us("before"), found.step_us("after")) == (20, 30)


def test_new_gone_slower_and_faster() -> None:
    before = {"a": (1, 100), "a > mm": (2, 200), "a > old": (1, 30), "b": (1, 300), "c": (1, 1000)}
    after = {"a": (1, 100), "a > mm": (2, 400), "a > new": (1, 30), "b": (1, 200), "c": (1, 1001)}
    assert marked(before, after) == {
        "a": ("slower", False), "a > mm": ("slower", False), "a > new": ("new", True), "a > old": ("gone", True),
        "b": ("faster", False), "c": ("same", False),
    }  # fmt: skip


def test_a_certain_operator_makes_its_callers_certain_but_only_in_its_direction() -> None:
    before = {"a": (1, 1000), "a > softmax": (1, 40), "b": (1, 1000), "b > softmax": (1, 40)}
    after = {"a": (1, 1000), "a > softmax": (2, 80), "b": (1, 700), "b > softmax": (2, 80)}
    found = marked(before, after, certain={"softmax": 1})
    assert found["a"] == ("slower", True)  # 4 %: too little without a certain change in it
    assert found["a > softmax"] == ("slower", True)
    assert found["b"] == ("faster", False)


def test_more_calls_in_less_time_are_not_certainly_faster() -> None:
    assert marked({"a": (1, 100)}, {"a": (2, 50)}, certain={"a": 1})["a"] == ("faster", False)
    assert marked({"a": (1, 100)}, {"a": (1, 50)}, certain={"a": -1})["a"] == ("faster", True)


@pytest.mark.parametrize(("factor", "expected"), [(1.0, "slower"), (1.2, "same"), (1.5, "same")])
def test_a_slower_machine_is_no_slower_frame(factor: float, expected: str) -> None:
    assert marked({"a": (1, 100)}, {"a": (1, 120)}, factor)["a"] == (expected, False)


def test_what_was_not_kept_of_a_side_is_neither_new_nor_gone() -> None:
    kept = {"a": (1, 100), "a > x": (1, 9), "a > x > y": (1, 8)}
    less = {"a": (1, 100), "a > …": (2, 15)}
    assert marked(less, kept)["a > x"][0] != "new"
    assert marked(less, kept)["a > x > y"][0] != "new"
    assert marked(kept, less)["a > x > y"][0] != "gone"
    assert marked({"a": (1, 100)}, kept)["a > x > y"] == ("new", True)


def test_a_new_frame_of_some_steps_only_is_not_certain() -> None:
    found = frame_difference(tree({"a": (4, 10)}, steps=4), tree({"a": (4, 10), "b": (1, 9)}, steps=4))
    assert marks(found, "host", 1.0, {}).certain.tolist() == [False, False]


@pytest.mark.parametrize(("after_us", "mark"), [(149, "same"), (151, "slower")])
def test_a_frame_is_marked_from_half_a_percent_of_the_step_on(after_us: int, mark: str) -> None:
    """The step takes 10 ms on the longer side."""
    assert marked({"a": (1, 100), "b": (1, 9_850)}, {"a": (1, after_us), "b": (1, 9_850)})["a"][0] == mark


@pytest.mark.parametrize(("after_us", "mark"), [(1_099, "same"), (1_101, "slower"), (901, "same"), (899, "faster")])
def test_a_frame_is_marked_from_a_tenth_of_its_time_on(after_us: int, mark: str) -> None:
    assert marked({"a": (1, 1_000)}, {"a": (1, after_us)})["a"][0] == mark


def test_pruning_joins_both_sides_alike() -> None:
    found = pruned_difference(
        frame_difference(
            tree({"a": (1, 90), "a > grew": (1, 1), "a > x": (1, 1), "a > y": (2, 2)}),
            tree({"a": (1, 90), "a > grew": (1, 50), "a > x": (1, 1), "a > z": (4, 1)}),
        ),
        least_share=0.1,
    )
    rows = found.rows
    assert rows["name"].tolist() == ["a", "grew", ""]
    assert rows["merged"].tolist() == [1, 1, 3]
    assert (rows["self_before_us"].tolist(), rows["self_after_us"].tolist()) == ([90, 1, 3], [90, 50, 2])
    assert (rows["calls_before"].tolist(), rows["calls_after"].tolist()) == ([1, 1, 3], [1, 1, 5])
    assert isinstance(found, FrameDifference)


def test_pruning_makes_nothing_new_that_a_side_may_have_had() -> None:
    whole = frame_difference(
        tree({"a": (1, 900), "a > …": (2, 90), "b": (1, 5)}),
        tree({"a": (1, 900), "a > x": (1, 90), "a > x > y": (1, 80), "b": (1, 5)}),
    )
    pruned = pruned_difference(whole, least_share=0.01)
    assert paths(pruned) == ["a", "a > x", "a > x > y", "b", "a > …"]
    assert pruned.rows["known_before"].tolist() == [1, 0, 0, 1, 1]
    assert pruned.rows["known_after"].tolist() == [1] * 5
    assert "new" not in marks(pruned, "host", 1.0, {}).kind


def test_on_the_device_a_kernel_speaks_for_its_launcher() -> None:
    def on_device(time_us: int) -> Frames:
        return frames({"mm": ("operator", 1, 0, 0), "mm > gemm": ("device", 1, 0, 1000 * time_us)}, 1, 0)

    found = frame_difference(on_device(100), on_device(150))
    what = marks(found, "device", 1.0, {"mm": 1})
    assert list(zip(what.kind, what.certain.tolist(), strict=True)) == [("slower", True)] * 2
    assert set(marks(found, "host", 1.0, {}).kind) == {"same"}
