"""A comparison with every state, and one whose every text means harm."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tbp.model.changes import State
from tbp.model.comparison import ComparedCommit, Comparison, Judgement

STEP = "attention.Quick.torchtime_step"
HOSTILE = (
    "a|b`@team #1 </details></code>]]>\x1b[31m\x00\u202e\n\n# x --> &amp; \\| ![x](https://example.org/x) *b* \ud800"
)

REGRESSION = Judgement(
    STEP, (("variant", "sdpa"),), State.REGRESSION, before=4.10e-3, after=4.35e-3, effect=0.061, low=0.052, high=0.070,
    p_value=0.0001, evidence=12, operators=("aten::masked_fill_ 0 → 4 calls (+0.25 ms)",),
)  # fmt: skip
SMALLER = replace(REGRESSION, parameters=(("variant", "math"),), effect=0.031, low=0.022, high=0.040, operators=())
IMPROVEMENT = Judgement("model.track_bytes", (), State.IMPROVEMENT, "bytes", before=2048.0, after=1024.0, effect=-0.5)
UNDECIDED = Judgement(
    "feed_forward.time_gelu", (), State.UNDECIDED, before=1.0, after=1.04, effect=0.04, low=-0.02, high=0.10,
    evidence=8, reason="the noise is larger than the change",
)  # fmt: skip
FAILED = Judgement("train.time_step", (), State.FAILED, reason="it failed in HEAD")
NO_CHANGE = Judgement("encoder.time_forward", (), State.NO_CHANGE, before=1.0, after=1.0, effect=0.0)
SKIPPED = Judgement("cuda.time_forward", (), State.SKIPPED, reason="no CUDA device")
ALL = (REGRESSION, SMALLER, IMPROVEMENT, UNDECIDED, FAILED, NO_CHANGE, SKIPPED)


@pytest.fixture
def comparison_of() -> Callable[..., Comparison]:
    """Makes a comparison of judgements."""

    def make(*judgements: Judgement, method: str = "measured in turns") -> Comparison:
        sides = ComparedCommit("main", "0" * 40), ComparedCommit("HEAD", "1" * 40)
        return Comparison("tbp", *sides, method, judgements, "ci", "py3.11", 92.0)

    return make


@pytest.fixture
def comparison(comparison_of: Callable[..., Comparison]) -> Comparison:
    """Every state, two regressions."""
    return comparison_of(*ALL)


@pytest.fixture
def hostile() -> Comparison:
    """Every text that comes from outside is HOSTILE, in every state."""
    parameters = ((HOSTILE, HOSTILE),)
    own = [
        replace(one, benchmark=HOSTILE, parameters=parameters, unit=HOSTILE, reason=HOSTILE, operators=(HOSTILE,))
        for one in ALL
    ]
    side = ComparedCommit(HOSTILE, HOSTILE, HOSTILE)
    return Comparison(HOSTILE, side, side, "measured in turns", tuple(own), HOSTILE, HOSTILE, 1.0, (HOSTILE,))
