from collections.abc import Iterator

import pytest
import torch

from tbp.bench import roof


@pytest.fixture
def widths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The widths that are multiplied, in order; nothing is."""
    seen: list[int] = []
    monkeypatch.setattr(torch, "mm", lambda one, _: seen.append(len(one)))
    return seen


def ticking(*steps_s: float) -> Iterator[float]:
    now_s = 0.0
    yield now_s
    for step_s in steps_s:
        now_s += step_s
        yield now_s


def test_the_fastest_product_is_the_roof(widths: list[int]) -> None:
    clock = ticking(0.008, 0.004, 0.016)
    assert roof.cpu_roof_flop_per_s(lambda: next(clock)) == pytest.approx(2 * 512**3 / 0.004)
    assert widths == [512] * 4  # the first one warms up


def test_products_grow_until_they_take_a_while(widths: list[int]) -> None:
    clock = iter([*ticking(*[0.0005] * 40), *ticking(0.001, 0.02)])
    assert roof.cpu_roof_flop_per_s(lambda: next(clock)) == pytest.approx(2 * 1024**3 / 0.001)
    assert set(widths) == {512, 1024}


def test_real_products_have_a_roof() -> None:
    assert 1e8 < roof.cpu_roof_flop_per_s() < 1e14
