"""Literal claims and series for the tests of claims."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tbp.claims.judging import JudgedPractice, judged_claims
from tbp.model.cells import CellCounted, MeasuredCell, RatioToVariant
from tbp.model.changes import History, State
from tbp.project.claims_file import Claim, ClaimsFile, Practice

from ..histories import history

SUITE = "attention.Nightly"


def practice(**fields: Any) -> Practice:
    """``sdpa`` against ``naive``, in time, unless ``fields`` say otherwise."""
    return Practice(**{"title": "Fused attention", "variant": "sdpa", "against": "naive", **fields})


def timed(
    variant: str,
    value_s: float = 1e-3,
    *,
    ratio: tuple[float, float, float] | None = None,
    suite: str = SUITE,
    counted: CellCounted | None = None,
    against: str = "naive",
    machine: str = "bench-1",
    **parameters: str,
) -> History:
    """A timed series of one run; ``ratio`` is variant ÷ against with the ends of its interval."""
    given = (("variant", variant), *parameters.items())
    made = history(
        (value_s,), State.NOT_ENOUGH_DATA, benchmark=f"{suite}.torchtime_step", parameters=given, machine=machine
    )
    ratios = (RatioToVariant(against, *ratio, 3, False),) if ratio is not None else ()
    return replace(made, cell=MeasuredCell(counted=counted or CellCounted(), ratios=ratios))


def tracked(
    method: str, variant: str, *values: float, unit: str = "bytes", state: State = State.NO_CHANGE, **fields: Any
) -> History:
    """A counter's series."""
    given = (("variant", variant),)
    return history(values, state, benchmark=f"{SUITE}.{method}", parameters=given, unit=unit, **fields)


def judged(claimed: Practice, histories: Sequence[History]) -> JudgedPractice:
    """The practice as the only one of its claims file."""
    file = ClaimsFile(Path("claims.toml"), (Claim("Faster", practices=(claimed,)),))
    return judged_claims(file, histories).claims[0].practices[0]
