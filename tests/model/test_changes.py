"""Changes of a level, and whose merit they are."""

import pytest

from tbp.model.changes import Change, ChangeKind
from tbp.model.series import Better

SLOWER, FASTER = (1.0, 1.2), (1.2, 1.0)


@pytest.mark.parametrize(
    ("levels", "better", "merit"),
    [
        (SLOWER, Better.LOWER, 1),
        (FASTER, Better.LOWER, -1),
        (SLOWER, Better.HIGHER, -1),
        (FASTER, Better.HIGHER, 1),
        (SLOWER, Better.UNKNOWN, 0),
        ((1.0, 1.0), Better.LOWER, 0),
    ],
)
def test_a_change_of_the_code_is_for_the_worse_or_the_better(levels: tuple[float, float], better: Better, merit: int):
    assert Change(3, *levels, 0.001, True).merit(better) == merit


@pytest.mark.parametrize("kind", [kind for kind in ChangeKind if kind is not ChangeKind.CODE])
@pytest.mark.parametrize("levels", [SLOWER, FASTER])
def test_what_the_code_did_not_do_is_neither(levels: tuple[float, float], kind: ChangeKind):
    assert Change(3, *levels, 0.001, True, kind).merit(Better.LOWER) == 0


def test_a_recovery_is_neither():
    assert Change(3, *FASTER, 0.001, True, is_recovery=True).merit(Better.LOWER) == 0
