"""Suites as asv_runner discovers and runs them: real discovery, real set-up, real timing, in this process."""

import ast
import gzip
import json
import sys
import textwrap
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from asv_runner.benchmarks import benchmark_types
from asv_runner.discovery import disc_benchmarks

import tbp.bench as bench
from tbp.bench import workloads
from tbp.bench.asv_type import TorchTime, register
from tbp.bench.roof import Roof
from tbp.bench.suite import PEAK
from tbp.bench.tf32 import tf32

SUITE = """
import torch
import torch.nn.functional as F
from tbp.bench import Suite, Skip, Step, workload, inference

def reference(case, step):
    return 2 * step.inputs[0].double()

BUILT = []

@workload("doubling", "add", reference=reference, twin="add_twin")
def add(case):
    BUILT.append(case)
    x = case.randn(case["n"])
    return Step(lambda: x + x, lambda: x + x, inputs=(x,), flops=case["n"])

@workload("doubling", "multiply", reference=reference, baseline="add")
def multiply(case):
    x = case.randn(case["n"])
    return Step(lambda: x * 2, lambda: x * 2, inputs=(x,), tokens=case["n"])

@workload("doubling", "wrong", reference=reference)
def wrong(case):
    x = case.randn(case["n"])
    return Step(lambda: x, lambda: x, inputs=(x,))

class Quick(Suite):
    family = "doubling"
    variants = ("add", "add_twin", "multiply", "wrong")
    shapes = {"n": (4, 8)}
    dtypes = ("float32", "bfloat16")
    counters = ("operators", "peak_bytes", "flops", "model_bytes", "error")

def torchtime_plain(n):
    return torch.ones(n)

torchtime_plain.params = [[3]]
"""


@pytest.fixture
def discovered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Every benchmark of a small suite package, by asv's name."""
    package = tmp_path / "own_suites"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "small.py").write_text(textwrap.dedent(SUITE))
    monkeypatch.setattr(workloads, "_registry", {})
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in ("TBP_RESULTS_DIR", "ASV_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    threads = torch.get_num_threads()
    yield {benchmark.name: benchmark for benchmark in disc_benchmarks(str(package))}
    torch.set_num_threads(threads)
    for name in [name for name in sys.modules if name.startswith("own_suites")]:
        del sys.modules[name]


def select(benchmark: Any, *values: object) -> Any:
    benchmark._current_params = values
    return benchmark


def test_asv_finds_the_suite_and_not_the_base_class(discovered: dict[str, Any]):
    assert sorted(discovered) == [
        "small.Quick.torchtime_step",
        "small.Quick.track_device_seconds",
        "small.Quick.track_error",
        "small.Quick.track_flops",
        "small.Quick.track_model_bytes",
        "small.Quick.track_operators",
        "small.Quick.track_peak_bytes",
        "small.torchtime_plain",
    ]
    step = discovered["small.Quick.torchtime_step"]
    assert step.param_names == ["variant", "n", "dtype", "device"]
    assert step.params[0] == ["'add'", "'add_twin'", "'multiply'", "'wrong'"]
    assert (step.type, step.unit, step.rounds) == ("time", "seconds", 3)
    assert discovered["small.Quick.track_peak_bytes"].unit == "bytes"
    on_the_device = discovered["small.Quick.track_device_seconds"]
    assert (on_the_device.params[-1], on_the_device.unit) == (["'cuda'"], "seconds")


def test_versions_are_the_protocols_not_the_sources(discovered: dict[str, Any]):
    versions = {name: one.version for name, one in discovered.items() if "Quick" in name}
    assert versions.pop("small.Quick.track_peak_bytes") == PEAK
    assert set(versions.values()) == {str(bench.PROTOCOL)}


def test_the_source_that_asv_keeps_is_the_users(discovered: dict[str, Any]):
    of_suite = {one.code for name, one in discovered.items() if "Quick" in name}
    (code,) = of_suite  # of every benchmark alike
    assert code.startswith('class Quick(Suite):\n    family = "doubling"\n')
    assert code.count("def add(case):") == 1, "a twin is the same build"
    assert "x * 2" in code
    assert "find_device" not in code
    ast.parse(code)


def test_a_suite_without_a_file_has_asvs_source():
    typed = type("Typed", (bench.Suite,), {"family": "doubling", "variants": ()})
    assert not hasattr(typed.torchtime_step, "pretty_source")


def test_a_cell_is_set_up_once_and_sampled(discovered: dict[str, Any]):
    cell = select(discovered["small.Quick.torchtime_step"], "add", 4, "float32", "cpu")
    assert cell.do_setup() is False
    result = cell.run("add", 4, "float32", "cpu")
    assert result["number"] > 1
    assert len(result["samples"]) >= 10
    assert torch.get_num_threads() == 1
    assert len(sys.modules["own_suites.small"].BUILT) == 1, "building is no part of a sample"


def test_asvs_quick_takes_one_sample(discovered: dict[str, Any]):
    class Quick:
        number, repeat, warmup_time, rounds = 1, 1, 0, 1

    cell = select(discovered["small.Quick.torchtime_step"], "add", 4, "float32", "cpu")
    cell._attr_sources.insert(0, Quick)
    cell.do_setup()
    result = cell.run("add", 4, "float32", "cpu")
    assert (result["number"], len(result["samples"])) == (1, 1)


def test_what_cannot_run_here_is_skipped(
    discovered: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cell = select(discovered["small.Quick.torchtime_step"], "add", 4, "float32", "cuda")
    assert cell.do_setup() is True
    assert "no CUDA device on this machine" in capsys.readouterr().out


def test_a_skip_leaves_its_reason_beside_the_result(
    discovered: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("TBP_RESULTS_DIR", str(tmp_path / "results"))
    monkeypatch.setenv("ASV_COMMIT", "0" * 40)
    cell = select(discovered["small.Quick.torchtime_step"], "add", 4, "float32", "cuda")
    assert cell.do_setup() is True
    assert len(list((tmp_path / "results").rglob("*.session.json.gz"))) == 1


def test_a_wrong_variant_fails_before_it_is_timed(discovered: dict[str, Any]):
    cell = select(discovered["small.Quick.torchtime_step"], "wrong", 4, "float32", "cpu")
    with pytest.raises(bench.WrongResult, match="computes something else"):
        cell.do_setup()


def test_counters(discovered: dict[str, Any]):
    values = {}
    for counter in ("operators", "peak_bytes", "flops", "model_bytes", "error"):
        cell = select(discovered[f"small.Quick.track_{counter}"], "add", 8, "float32", "cpu")
        cell.do_setup()
        values[counter] = cell.run("add", 8, "float32", "cpu")
    assert (values["operators"], values["flops"], values["error"]) == (1, 8, 0.0)
    assert values["peak_bytes"] == 32, "8 float32"
    assert values["model_bytes"] != values["model_bytes"], "no module: not a number, so asv shows it as skipped"


def test_any_function_can_be_timed(discovered: dict[str, Any]):
    plain = select(discovered["small.torchtime_plain"], 3)
    assert plain.do_setup() is False
    assert plain.run(3)["samples"]


def test_registering_twice_changes_nothing():
    register()
    assert benchmark_types.count(TorchTime) == 1


def test_a_suite_of_an_unknown_workload_is_refused_where_it_is_declared():
    with pytest.raises(LookupError, match=r"unknown workload doubling\.nothing"):

        class Nothing(bench.Suite):
            family = "doubling"
            variants = ("nothing",)


def test_a_suite_with_an_unknown_baseline_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workloads, "_registry", {})
    workloads.workload("doubling", "add", reference=lambda case, step: torch.ones(1), baseline="plain")(
        lambda case: workloads.Step(int, lambda: torch.ones(1))
    )
    with pytest.raises(LookupError, match=r"unknown workload doubling\.plain"):

        class Nothing(bench.Suite):
            family = "doubling"
            variants = ("add",)


class TestRecorded:
    """Cells of one asv run: the first session checks and counts, the later ones take its numbers."""

    @pytest.fixture
    def results(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        environment = {"RESULTS_DIR": str(tmp_path / "results"), "RUN": "1", "TRACE": "0", "MACHINE": "m"}
        for name, value in environment.items():
            monkeypatch.setenv(f"TBP_{name}", value)
        monkeypatch.setenv("ASV_COMMIT", "0" * 40)
        return tmp_path / "results"

    def timed(self, discovered: dict[str, Any], variant: str, results: Path) -> dict[str, Any]:
        cell = select(discovered["small.Quick.torchtime_step"], variant, 4, "float32", "cpu")
        cell.warmup_time = 0.0
        assert cell.do_setup() is False
        cell.run(variant, 4, "float32", "cpu")
        session: dict[str, Any] = json.loads(
            gzip.decompress(
                max(results.rglob("*.session.json.gz"), key=lambda path: path.stat().st_mtime_ns).read_bytes()
            )
        )
        return session

    def test_a_session_is_held_against_its_twin_and_its_baseline(self, discovered: dict[str, Any], results: Path):
        session = self.timed(discovered, "multiply", results)
        assert list(session["ratios"]) == ["add"]
        assert len(session["ratios"]["add"]["wall"]) >= 3
        assert (session["counts"]["tokens"], session["counts"]["operators"], session["counts"]["error"]) == (4, 1, 0.0)
        assert session["counts"]["bytes_moved"] == 2 * 4 * 4, "the input and the output, once each"
        assert 0 < session["measuring_s"] < 60
        assert list(self.timed(discovered, "add", results)["ratios"]) == ["add_twin"]
        assert self.timed(discovered, "add_twin", results)["ratios"] == {}, (
            "the ratio is in the session of its original"
        )

    def test_only_the_first_session_of_a_run_checks(
        self, discovered: dict[str, Any], results: Path, monkeypatch: pytest.MonkeyPatch
    ):
        self.timed(discovered, "multiply", results)
        monkeypatch.setattr("tbp.bench.suite.closeness", lambda *_: pytest.fail("checked again"))
        self.timed(discovered, "multiply", results)
        counter = select(discovered["small.Quick.track_operators"], "multiply", 4, "float32", "cpu")
        monkeypatch.setattr("tbp.bench.counters.operators", lambda *_: pytest.fail("counted again"))
        counter.do_setup()
        assert counter.run("multiply", 4, "float32", "cpu") == 1
        monkeypatch.setenv("TBP_RUN", "2")
        with pytest.raises(pytest.fail.Exception, match="checked again"):
            counter.do_setup()

    def test_a_baseline_is_checked_where_it_is_timed_or_else_beside_the_first_that_is_held_against_it(
        self, discovered: dict[str, Any], results: Path, monkeypatch: pytest.MonkeyPatch
    ):
        checked: list[str] = []
        closeness = bench.suite.closeness

        def noting(workload: bench.Workload, case: bench.Case, step: bench.Step) -> Any:
            checked.append(workload.variant)
            return closeness(workload, case, step)

        monkeypatch.setattr("tbp.bench.suite.closeness", noting)
        self.timed(discovered, "multiply", results)
        assert checked == ["multiply", "add"]
        monkeypatch.setenv("TBP_RUN", "2")
        checked.clear()
        self.timed(discovered, "add", results)
        self.timed(discovered, "multiply", results)
        assert checked == ["add", "multiply"]

    def test_a_wrong_baseline_is_no_baseline(
        self, discovered: dict[str, Any], results: Path, monkeypatch: pytest.MonkeyPatch
    ):
        wrong = workloads.find("doubling", "wrong")
        monkeypatch.setitem(workloads._registry, ("doubling", "add"), wrong)
        with pytest.raises(bench.WrongResult, match=r"doubling\.wrong computes something else"):
            self.timed(discovered, "multiply", results)

    def test_settings_of_a_step_are_those_of_its_roof_and_facts_and_not_of_its_baseline(
        self, discovered: dict[str, Any], results: Path, monkeypatch: pytest.MonkeyPatch
    ):
        seen: dict[str, set[str]] = {"roof": set(), "add": set()}

        def measured(*_: object) -> Roof:
            seen["roof"].add(torch.get_float32_matmul_precision())
            return Roof()

        monkeypatch.setattr("tbp.bench.asv_type.roof", measured)
        for name, within in (("multiply", tf32), ("add", nullcontext)):
            workload = workloads.find("doubling", name)

            def built(case: bench.Case, workload: Any = workload, within: Any = within) -> bench.Step:
                step = workload.build(case)

                def run() -> object:
                    seen.setdefault(workload.variant, set()).add(torch.get_float32_matmul_precision())
                    return step.run()

                return replace(step, run=run, within=within)

            monkeypatch.setitem(workloads._registry, ("doubling", name), replace(workload, build=built))
        session = self.timed(discovered, "multiply", results)
        assert (session["float32_products"], seen["roof"]) == ("high", {"high"})
        assert seen["add"] == {"highest"}
