"""Ten ranks over two commits, made from eight real ones: the late one is found in folders, pairs and reports."""

import subprocess
import sys
from pathlib import Path

import pytest

from .result_folders import shared_data

TOOL = Path(__file__).resolve().parent.parent / "tools" / "many_ranks.py"


@pytest.mark.slow
def test_an_injected_straggler_is_found_and_named(tmp_path: Path) -> None:
    shared_data()
    command = [sys.executable, str(TOOL), str(tmp_path), "--ranks", "10", "--commits", "2", "--late", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ranks: rank 5 works" in done.stdout
