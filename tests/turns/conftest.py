"""A tiny asv suite for real workers, and who of them is still there."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tbp.asv.checkouts import Checkout
from tbp.turns import referee
from tbp.turns.cells import SIDES, Side

Sides = Mapping[Side, Checkout]

# What suites do beside being timed, one line each in the file $MARKS, the side first.
PRELUDE = """
import os, signal, sys, threading, time
from pathlib import Path

SIDE = os.environ["SIDE"]

def mark(what):
    with open(os.environ["MARKS"], "a") as file:
        file.write(f"{SIDE} {what}\\n")
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs of a fraction of a second: what they measure means nothing, how they end does."""
    monkeypatch.setattr(referee, "ROUNDS", 2)
    monkeypatch.setattr(referee, "BLOCK_S", 0.002)
    monkeypatch.setattr(referee, "WARMUP_S", 0.01)


@pytest.fixture
def suite(tmp_path: Path) -> Callable[..., Sides]:
    """Write modules of a suite, given by name, and check them out as both sides."""

    def write(**modules: str) -> Sides:
        folder = tmp_path / "suite"
        folder.mkdir()
        (folder / "__init__.py").touch()
        for name, code in modules.items():
            (folder / f"{name}.py").write_text(PRELUDE + code)
        variables = dict(os.environ, MARKS=str(tmp_path / "marks"))
        return {
            side: Checkout("0" * 40, sys.executable, variables | {"SIDE": side}, "test", str(folder)) for side in SIDES
        }

    return write


@pytest.fixture
def marks(tmp_path: Path) -> Callable[[], list[str]]:
    """What the suite has marked so far."""
    return lambda: (tmp_path / "marks").read_text().splitlines() if (tmp_path / "marks").exists() else []


@pytest.fixture
def folders(tmp_path: Path) -> dict[Side, str]:
    """Where each side runs."""
    made = {side: tmp_path / "run" / side for side in SIDES}
    for folder in made.values():
        folder.mkdir(parents=True)
    return {side: str(folder) for side, folder in made.items()}


def _processes(folder: Path) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue  # it ended while we looked
    return found


@pytest.fixture
def processes(tmp_path: Path) -> Callable[[], list[int]]:
    """The processes with the test's folder in their command line: servers, and what they forked."""
    return lambda: _processes(tmp_path)


@pytest.fixture
def survivors(tmp_path: Path) -> Callable[[], list[int]]:
    """Those that are still there after the system had time to end them."""

    def after_a_while() -> list[int]:
        end_s = time.monotonic() + 5
        while (found := _processes(tmp_path)) and time.monotonic() < end_s:
            time.sleep(0.01)
        return found

    return after_a_while
