from collections.abc import Iterator

import pytest
import torch

from tbp.bench import roof
from tbp.bench.devices import Device

CPU = Device("cpu", "a processor", lambda: None)


def flop_per_s(clock: Iterator[float]) -> float:
    return roof._flop_per_s(CPU, torch.float32, lambda: next(clock))


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
    assert flop_per_s(clock) == pytest.approx(2 * 512**3 / 0.004)
    assert widths == [512] * 4  # the first one warms up


def test_products_grow_until_they_take_a_while(widths: list[int]) -> None:
    clock = iter([*ticking(*[0.0005] * 40), *ticking(0.001, 0.02)])
    assert flop_per_s(clock) == pytest.approx(2 * 1024**3 / 0.001)
    assert set(widths) == {512, 1024}


def test_real_products_have_a_roof() -> None:
    top = roof.roof(CPU, torch.float32, 3 << 20)
    assert 1e8 < top.flop_per_s < 1e14
    assert 1e7 < top.bytes_per_s < 1e14


def test_a_triad_moves_as_many_bytes_as_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[int] = []
    monkeypatch.setattr(torch, "add", lambda b, c, *, alpha, out: moved.append(b.nbytes + c.nbytes + out.nbytes))
    clock = ticking(0.008, 0.004, 0.016)
    assert roof._bytes_per_s(CPU, torch.float32, 6 << 20, lambda: next(clock)) == pytest.approx(moved[0] / 0.004)
    assert moved[0] == pytest.approx(6 << 20, abs=12)
    roof._bytes_per_s(CPU, torch.bfloat16, 0, ticking(1.0).__next__)
    assert moved[-1] == pytest.approx(roof.LEAST_TRIAD_BYTES, abs=6), "less would time the operators"
