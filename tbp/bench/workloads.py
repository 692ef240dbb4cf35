"""Workloads: family + variant + shape + dtype + device + version, built into a step.

A suite declares workloads with the ``workload`` decorator; the registry holds them. A build takes a ``Case`` and
gives a ``Step`` that can be timed, traced and checked against its reference. The code under test comes through
``subject``, so that a commit that lacks it skips the workload instead of failing it.
"""

from __future__ import annotations

import copy
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .devices import Skip

# Largest |output − reference| ÷ largest |reference| that still counts as the same result. It is some 100 roundings of
# the dtype (2⁻²³, 2⁻¹⁰, 2⁻⁷), because a step adds up hundreds of products.
TOLERANCES = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 2e-2, torch.bfloat16: 1e-1}

TWIN_END = "_twin"  # readers of results know a twin by its name

INSTALL = "install your dependencies beside tbp (pip install, in the Python that runs asv)"


class MissingDependency(ModuleNotFoundError):
    """The code under test is there, and something that it needs is not."""


@dataclass(frozen=True)
class Case:
    """Shape, dtype and device of one cell: all that a build needs to know."""

    shape: Mapping[str, int]
    dtype: torch.dtype
    device: str
    seed: int = 0

    def __getitem__(self, name: str) -> int:
        return self.shape[name]

    def randn(self, *size: int) -> Tensor:
        """Standard normal numbers of ``size``, the same in every process and commit."""
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randn(*size, generator=generator).to(self.device, self.dtype)

    def place(self, make: Callable[[], nn.Module]) -> nn.Module:
        """A module made with fixed weights, in the case's dtype, on its device."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return make().to(self.device, self.dtype)


@dataclass(frozen=True)
class Step:
    """One workload call: its work, and all that says whether it is the right work, and how much."""

    run: Callable[[], object]
    output: Callable[[], Tensor]  # compared with the reference; does not disturb ``run``
    module: nn.Module | None = None  # the weights that ``run`` uses, for their size and for the reference
    inputs: tuple[Tensor, ...] = ()
    flops: int | None = None  # analytic: 2 per multiply-add; causal attention counts half of S²; None: not known
    tokens: int | None = None  # tokens that one run works through, for tokens per second
    bytes_moved: int | None = None  # least traffic with memory; None: weights, inputs and output once each
    # Further outputs by name (gradients, masked, in training mode): compared with those that the reference names.
    checks: Mapping[str, Callable[[], Tensor]] = field(default_factory=dict)
    # Sentences that must be true of the step ("half of the hidden units are gone"), and how to find out.
    conditions: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    dtype: torch.dtype | None = None  # of the output; None: the case's
    computes_in: torch.dtype | None = None  # of the products, for the roof (autocast: bfloat16); None: the case's
    updates: nn.Module | None = None  # every weight matrix of it is changed by ``run``: a training step
    makes_modules: bool = False  # making modules is the work (pruning, calibration), not set-up that is timed with it
    # FLOPs that torch's counter sees of ``run`` with plain attention; None: just ``flops``; 0: it cannot see them.
    counted: int | None = None
    # Of a step that other processes take (``distributed``): plain trace files of so many steps, with facts in them, one
    # of each rank; and the CPU seconds that all of them have used.
    rank_traces: Callable[[int, Mapping[str, object]], Sequence[Path]] | None = None
    cpu_s: Callable[[], float] | None = None
    # Settings that ``run`` makes for itself (``with_tf32``), for what is measured beside it: the roof, and the facts.
    within: Callable[[], AbstractContextManager[object]] = nullcontext
    learning_rates: Callable[[], Sequence[float]] | None = None  # of a schedule, at each step: the report draws them


Reference = Callable[[Case, Step], Tensor | Mapping[str, Tensor]]
"""Gives the right output of a step, in float64 on the CPU, or all of its outputs by name, "output" among them."""


@dataclass(frozen=True)
class Workload:
    """One variant of a family. ``version`` changes when the workload does, and starts its series anew."""

    family: str
    variant: str
    build: Callable[[Case], Step] = field(repr=False)
    reference: Reference = field(repr=False)
    version: int = 1
    tolerances: Mapping[torch.dtype, float] = field(default_factory=lambda: TOLERANCES, repr=False)
    baseline: str | None = None  # the variant of the same family that this one's time is held against
    twin: str | None = None  # the variant that is the same build again

    @property
    def label(self) -> str:
        """The variant as asv's parameter; a version after the first is part of it."""
        return self.variant if self.version == 1 else f"{self.variant} v{self.version}"


_registry: dict[tuple[str, str], Workload] = {}

Build = Callable[[Case], Step]


def workload(
    family: str,
    variant: str,
    *,
    reference: Reference,
    version: int = 1,
    tolerances: Mapping[torch.dtype, float] = TOLERANCES,
    twin: str | None = None,
    baseline: str | None = None,
) -> Callable[[Build], Build]:
    """Register the decorated build as ``variant`` of ``family``.

    ``twin`` registers the same build under a second name, ``<variant>_twin``. The ratio of the two times is the ruler's
    noise floor. ``baseline`` names the variant of the family (the naive one, the dense one) that this one is held
    against: each session of this one also takes samples of that one, in turns.

    Raises:
        ValueError: the name is taken, or ends in ``_twin`` without being one.
    """
    if variant.endswith(TWIN_END) or twin not in (None, variant + TWIN_END):
        raise ValueError(
            f"workload {family}.{variant} (twin: {twin}): a name ends in {TWIN_END} exactly where it is a twin's; "
            f"register the variant with twin={variant.removesuffix(TWIN_END) + TWIN_END!r}"
        )

    def register(build: Build) -> Build:
        made = Workload(family, variant, build, reference, version, tolerances, baseline, twin)
        for entry in [made] if twin is None else [made, replace(made, variant=twin, twin=variant)]:
            key = (family, entry.variant)
            if key in _registry:
                raise ValueError(f"workload {family}.{entry.variant} is registered already; choose another name")
            _registry[key] = entry
        return build

    return register


def find(family: str, variant: str) -> Workload:
    """The registered workload.

    Raises:
        LookupError: there is none; the message names those there are.
    """
    try:
        return _registry[family, variant]
    except KeyError:
        known = ", ".join(sorted(v for f, v in _registry if f == family)) or "none at all"
        raise LookupError(f"unknown workload {family}.{variant}; family {family} has: {known}") from None


def subject(module: str, name: str) -> Any:
    """``name`` of ``module``, from the commit under test.

    Raises:
        Skip: the commit has no such module or name, or the imported module is not the commit's.
        MissingDependency: the module needs another that is not installed, or its own metadata.
    """
    commit = os.environ.get("ASV_COMMIT", "")[:8] or "the code under test"
    try:
        imported = importlib.import_module(module)
    except PackageNotFoundError as error:  # a ModuleNotFoundError, though it says nothing of modules
        raise MissingDependency(
            f"{module} asks for the metadata of {error.name}, which is not installed: {INSTALL}"
        ) from error
    except ModuleNotFoundError as error:
        # Only a missing part of the subject is an old commit; a missing dependency is a failure to be shown.
        if error.name and (error.name == module or module.startswith(f"{error.name}.")):
            raise Skip(f"{commit} has no module {module}") from None
        raise MissingDependency(f"{module} needs {error.name or error}, which is not installed: {INSTALL}") from error
    home = os.environ.get("TBP_SUBJECT_DIR")
    if home and not Path(imported.__file__ or "").resolve().is_relative_to(Path(home).resolve()):
        raise Skip(f"{commit} has no module {module} (the one at {imported.__file__} is not the commit's)")
    if not hasattr(imported, name):
        raise Skip(f"{commit} has no {module}.{name}")
    return getattr(imported, name)


def inference(
    module: nn.Module, *inputs: Tensor, flops: int | None = None, tokens: int | None = None, **options: Any
) -> Step:
    """The step that runs ``module(*inputs, **options)`` without gradients, in evaluation mode.

    Of a module that returns a tuple, the first element is the output.
    """
    module.eval()

    def run() -> Tensor:
        with torch.inference_mode():
            result = module(*inputs, **options)
        output: Tensor = result[0] if isinstance(result, tuple) else result
        return output

    return Step(run, run, module, inputs, flops, tokens)


def in_float64(case: Case, step: Step) -> Tensor:
    """Reference of a module without a formula of its own: what a copy of it computes in float64, on the CPU.

    It finds a step that loses precision or gives NaN, in every commit; that the module computes what it should, it
    does not find. For a step of ``inference`` without options.
    """
    if step.module is None:
        raise ValueError("in_float64 needs the step's module: make the step with bench.inference, or write a reference")
    module = copy.deepcopy(step.module).double().cpu()
    inputs = [tensor.cpu().double() if tensor.is_floating_point() else tensor.cpu() for tensor in step.inputs]
    return inference(module, *inputs).output()
