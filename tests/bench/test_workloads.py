"""The registry, the oracle check and the code under test as each commit has it."""

import sys
import types
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tbp.bench import workloads
from tbp.bench.devices import Skip
from tbp.bench.oracle import WrongResult, check, relative_error
from tbp.bench.workloads import (
    Case,
    MissingDependency,
    Step,
    Workload,
    find,
    in_float64,
    inference,
    subject,
    workload,
)

CASE = Case({"width": 4}, torch.float32, "cpu")


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "_registry", {})


def double(case: Case, step: Step) -> Tensor:
    return 2 * step.inputs[0].double()


def doubling(by: float) -> Workload:
    x = CASE.randn(3, 4)
    step = Step(lambda: by * x, lambda: by * x, inputs=(x,))
    return Workload("f", "v", lambda case: step, double)


def test_a_right_variant_passes_and_says_how_far_off_it_is():
    right = doubling(2.0)
    assert check(right, CASE, right.build(CASE)) == 0.0


def test_a_variant_that_computes_something_else_is_no_result():
    wrong = doubling(2.001)
    with pytest.raises(WrongResult, match=r"f\.v computes something else.*0\.0005 of its output is above 1e-05"):
        check(wrong, CASE, wrong.build(CASE))


def test_not_a_number_is_not_within_tolerance():
    broken = doubling(float("nan"))
    with pytest.raises(WrongResult):
        check(broken, CASE, broken.build(CASE))


def test_another_shape_is_infinitely_wrong():
    assert relative_error(torch.zeros(2), torch.zeros(3)) == float("inf")


def test_a_twin_is_the_same_build_under_a_second_name():
    @workload("attention", "sdpa", reference=double, twin="sdpa_twin")
    def build(case: Case) -> Step:
        raise AssertionError("registering builds nothing")

    assert find("attention", "sdpa").build is find("attention", "sdpa_twin").build


def test_twins_know_each_other_and_their_baseline():
    workload("attention", "sdpa", reference=double, twin="sdpa_twin", baseline="naive")(
        lambda case: doubling(2.0).build(case)
    )
    assert (find("attention", "sdpa").twin, find("attention", "sdpa_twin").twin) == ("sdpa_twin", "sdpa")
    assert find("attention", "sdpa_twin").baseline == "naive"


@pytest.mark.parametrize(("variant", "twin"), [("sdpa_twin", None), ("sdpa", "again"), ("sdpa", "naive_twin")])
def test_only_a_twin_is_named_as_one(variant: str, twin: str | None):
    with pytest.raises(ValueError, match="exactly where it is a twin's; register the variant with twin='sdpa_twin'"):
        workload("attention", variant, reference=double, twin=twin)


def test_a_name_is_registered_once():
    def build(case: Case) -> Step:
        raise AssertionError

    workload("attention", "sdpa", reference=double)(build)
    with pytest.raises(ValueError, match=r"attention\.sdpa is registered already"):
        workload("attention", "sdpa", reference=double)(build)


def test_an_unknown_workload_names_the_known_ones():
    workload("attention", "sdpa", reference=double)(lambda case: doubling(2.0).build(case))
    with pytest.raises(LookupError, match="family attention has: sdpa"):
        find("attention", "flash")
    with pytest.raises(LookupError, match="none at all"):
        find("convolution", "naive")


def test_a_later_version_is_part_of_the_label():
    assert Workload("f", "v", lambda case: Step(int, torch.zeros), double, version=3).label == "v v3"
    assert Workload("f", "v", lambda case: Step(int, torch.zeros), double).label == "v"


def test_inputs_and_weights_are_the_same_in_every_process():
    def weight() -> Tensor:
        return next(CASE.place(lambda: nn.Linear(4, 4)).parameters())

    assert torch.equal(CASE.randn(2, 2), CASE.randn(2, 2))
    assert torch.equal(weight(), weight())


def test_inference_builds_no_graph_and_takes_the_output_of_a_tuple():
    class Pair(nn.Module):
        def forward(self, x: Tensor, *, scale: float) -> tuple[Tensor, None]:
            assert not self.training
            return x * scale, None

    step = inference(Pair(), torch.ones(2, requires_grad=True), scale=3.0)
    result = step.run()
    assert isinstance(result, Tensor)
    assert not result.requires_grad
    assert torch.equal(result, torch.full((2,), 3.0))


class TestSubject:
    def test_what_the_commit_has(self):
        assert subject("math", "sqrt")(4) == 2

    def test_a_missing_module_skips(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("ASV_COMMIT", "0123456789abcdef")
        with pytest.raises(Skip, match=r"01234567 has no module tbp\.nowhere"):
            subject("tbp.nowhere", "Thing")

    def test_a_missing_name_skips(self):
        with pytest.raises(Skip, match=r"has no math\.squareroot"):
            subject("math", "squareroot")

    def test_a_missing_dependency_of_the_subject_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "needs_more.py").write_text("import a_dependency_that_is_not_there\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        with pytest.raises(ModuleNotFoundError, match=r"a_dependency_that_is_not_there.*install your dependencies"):
            subject("needs_more", "Thing")

    @pytest.mark.parametrize("name", ["asks_version", "asks_version.part"])
    def test_missing_metadata_of_the_subject_fails(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "asks_version").mkdir()
        (tmp_path / "asks_version" / "__init__.py").write_text(
            "from importlib.metadata import version\n__version__ = version(__name__)\n"
        )
        (tmp_path / "asks_version" / "part.py").write_text("")
        monkeypatch.syspath_prepend(str(tmp_path))
        with pytest.raises(MissingDependency, match="asks for the metadata of asks_version, which is not installed"):
            subject(name, "Thing")

    def test_a_missing_part_that_the_subject_imports_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "half").mkdir()
        (tmp_path / "half" / "__init__.py").write_text("import half._compiled\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        with pytest.raises(MissingDependency, match=r"half needs half\._compiled"):
            subject("half", "Thing")

    def test_a_module_from_elsewhere_is_not_the_commits(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        stranger = types.ModuleType("stranger")
        stranger.__file__ = "/somewhere/else/stranger.py"
        monkeypatch.setitem(sys.modules, "stranger", stranger)
        monkeypatch.setenv("TBP_SUBJECT_DIR", str(tmp_path))
        with pytest.raises(Skip, match="not the commit's"):
            subject("stranger", "Thing")


def test_in_float64_computes_the_same_module_again_and_leaves_it_alone():
    module = CASE.place(lambda: nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4)))
    step = inference(module, torch.arange(5))
    reference = in_float64(CASE, step)
    assert reference.dtype == torch.float64
    assert 0 < relative_error(step.output(), reference) < 1e-5
    assert next(module.parameters()).dtype == torch.float32
    with pytest.raises(ValueError, match="needs the step's module"):
        in_float64(CASE, Step(lambda: None, lambda: torch.ones(1)))
