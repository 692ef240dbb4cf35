"""Random small programs against torch's own key_averages(); ``tools/random_programs.py`` runs two hundred."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")

TOOL = Path(__file__).resolve().parents[2] / "tools" / "random_programs.py"


@pytest.fixture(scope="module")
def programs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("random_programs", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "mode", "has_steps", "threads"),
    [
        (1, "bare", True, 1), (2, "shapes", False, 2), (3, "memory", True, 3), (4, "stack", True, 1),
        (5, "stack", False, 2), (6, "modules", True, 2), (7, "flops", False, 1), (8, "all", True, 1),
        (9, "all", True, 3), (10, "all", False, 2),
    ],
)  # fmt: skip
def test_the_table_is_torchs(
    programs: ModuleType, tmp_path: Path, seed: int, mode: str, has_steps: bool, threads: int
) -> None:
    assert programs.difference(seed, mode, has_steps=has_steps, threads=threads, folder=tmp_path) == []


def test_a_difference_is_a_line(programs: ModuleType) -> None:
    ours, theirs = {"mm": (2, 5.0), "relu": (1, 1.0)}, {"mm": (2, 5.01), "add": (1, 1.0), "relu": (1, 1.0)}
    assert programs._lines(ours, theirs) == [
        "only in one of both: add", "mm: 2 calls, 5.000 µs; torch 2, 5.010 µs",
    ]  # fmt: skip
