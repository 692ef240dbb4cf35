"""Each demonstration shows the naive fault, and the right code beside it without one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import benchmarks
from benchmarks.workloads import defects as workloads
from benchmarks.workloads.defects import DEFECTS
from tbp import defects
from tbp.bench import Skip
from tbp.defects import DEMONSTRATIONS, RAISED, NotHere, SnippetOutcome, outcomes
from tbp.defects.registry import demonstration
from tbp.project.claims_file import NAME, read_claims

from ..torch_threads import one_thread  # noqa: F401 - a fixture

# Least that is wrong with the naive snippet, and most that may be wrong with the right one. Most are exact; roundings
# of float32 over small sums stay below 1e-6.
WRONG = dict.fromkeys(DEFECTS, (1.0, 0.0)) | {
    "weights-always-built": (4 * 512 * 512 * 4, 512 * 3 * 64 * 4),  # H × S × S weights; the three projections
    "mask-of-two-dimensions": (0.1, 0),
    "mask-of-three-dimensions": (0.1, 0),
    "sequence-first-table": (49, 0),
    "float16-upcast": (4, 2),
    "table-in-float32": (1e-4, 6e-8),  # half a step of float32 below 1
    "table-in-checkpoint": (5000 * 64 * 4, 0),
    "past-the-table": (4, 0),
    "relu-only": (0.4, 0),
    "share-called-steps": (0.99, 0),
    "tail-never-steps": (2, 0),
    "mean-of-means": (0.71, 1e-6),
    "amp-deprecated-imports": (2, 0),
    "clipped-while-scaled": (0.999, 1e-6),
    "zeros-save-no-bytes": (1, 0.3),  # a quarter of the weights, all norms, and the container
    "zeros-save-no-products": (1, 0.25),
    "packed-weight-missed": (1, 1e-3),  # the ratio in whole weights
    "int8-without-calibration": (1, 0.05),  # INT8 has 256 steps over the range of each layer
    "softened-over-positions": (0.5, 1e-6),
    "padding-in-soft-term": (0.1, 0),
}
REFUSED = {
    "additive-mask-inverted": "must be boolean",
    "mask-of-two-dimensions": "must be 4-D",
    "mask-of-three-dimensions": "must be 4-D",
    "past-the-table": "20 positions exceed max_len=16",
}
RAISES = {
    "mask-in-float16": "RuntimeError: value cannot be converted",
    "causal-beside-a-mask": "RuntimeError: _scaled_dot_product_attention: Explicit attn_mask should not be set",
    "odd-width": "RuntimeError: The expanded size of the tensor",
    "schedule-needs-transformers": "ModuleNotFoundError: import of transformers halted",
    "int8-without-stubs": "NotImplementedError: Could not run 'quantized::linear'",
}


@pytest.fixture
def registry() -> Iterator[dict[str, defects.Demonstration]]:
    before = dict(DEMONSTRATIONS)
    yield DEMONSTRATIONS
    DEMONSTRATIONS.clear()
    DEMONSTRATIONS.update(before)


@pytest.mark.parametrize("name", DEFECTS)
def test_the_naive_snippet_is_wrong_and_the_right_one_is_not(name: str):
    naive, right = outcomes(name)
    least, most = WRONG[name]
    assert naive.value >= least - 1e-12
    assert right.value <= most + 1e-12
    assert RAISES.get(name, "") in naive.error
    assert REFUSED.get(name, "") in right.error
    assert (bool(naive.error), bool(right.error)) == (name in RAISES, name in REFUSED) or name == "amp-without-cuda"


def test_the_suite_keeps_every_demonstration_in_their_order():
    assert tuple(DEMONSTRATIONS) == DEFECTS


def test_outcomes_are_the_same_each_time_and_leave_the_process_as_it_was():
    generator, engine = torch.random.get_rng_state(), torch.backends.quantized.engine
    for name in ("mean-of-means", "mask-of-two-dimensions", "int8-without-calibration"):
        assert outcomes(name) == outcomes(name)
    assert torch.equal(torch.random.get_rng_state(), generator)
    assert torch.backends.quantized.engine == engine


def test_an_error_is_the_outcome_and_nothing_wrong_came_out(registry: dict[str, defects.Demonstration]):
    def refuse() -> float:
        raise ValueError("no\nsuch thing")

    demonstration("raises", unit=RAISED)(lambda: (refuse, lambda: 7.0))
    demonstration("refuses", unit="share")(lambda: (lambda: 0.5, refuse))
    error = "ValueError: no such thing"
    assert outcomes("raises") == (SnippetOutcome(1.0, error), SnippetOutcome(0.0))
    assert outcomes("refuses") == (SnippetOutcome(0.5), SnippetOutcome(0.0, error))


def test_a_defect_that_cannot_be_shown_here_is_no_outcome(registry: dict[str, defects.Demonstration]):
    def nowhere() -> float:
        raise NotHere("no engine")

    demonstration("elsewhere", unit=RAISED)(lambda: (nowhere, lambda: 0.0))
    with pytest.raises(NotHere, match="no engine"):
        outcomes("elsewhere")


def test_names_are_taken_once_and_must_be_known(registry: dict[str, defects.Demonstration]):
    with pytest.raises(ValueError, match="called 'odd-width' already"):
        demonstration("odd-width", unit=RAISED)(lambda: (lambda: 0.0, lambda: 0.0))
    with pytest.raises(LookupError, match=r"no defect called 'odd'; there are: weights-always-built, "):
        outcomes("odd")


def test_the_claims_file_describes_every_demonstration_in_its_unit():
    file = read_claims(Path(benchmarks.__file__).parent / NAME)
    assert file is not None
    assert [(defect.name, defect.unit) for defect in file.defects] == [
        (shown.name, shown.unit) for shown in DEMONSTRATIONS.values()
    ]


class TestSuite:
    """The suite's way to a commit's demonstrations, which an old commit lacks."""

    def test_it_takes_both_outcomes_from_the_commit(self):
        assert [outcome.value for outcome in workloads.outcomes("tail-never-steps")] == [2.0, 0.0]

    def test_a_commit_without_demonstrations_is_skipped(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "tbp.defects", None)
        with pytest.raises(Skip, match=r"has no module tbp\.defects"):
            workloads.outcomes("odd-width")

    def test_a_commit_without_this_demonstration_is_skipped(self, registry: dict[str, defects.Demonstration]):
        del registry["odd-width"]
        with pytest.raises(Skip, match="no demonstration of odd-width"):
            workloads.outcomes("odd-width")

    def test_a_defect_that_cannot_be_shown_here_is_skipped_with_the_reason(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "torch.ao.quantization", None)
        with pytest.raises(Skip, match=r"has no torch\.ao\.quantization"):
            workloads.outcomes("int8-without-stubs")
