"""A few faults injected into real processes; ``tools/inject_faults.py`` alone injects as many as one likes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("verb", ["ack", "report", "prune", "export"])
def test_no_fault_loses_or_leaves_anything(verb: str, tmp_path: Path):
    command = [
        sys.executable,
        "tools/inject_faults.py",
        "--verbs",
        verb,
        "--faults",
        "kill,int,two",
        "--injections",
        "1",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    *_, total = done.stdout.splitlines()
    assert total.startswith("| all | all | 3 | ")
