"""Hostile names through every field to every output: a part of the corpus of tools/injections.py."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("first", ["0", "4"])
def test_no_name_acts_in_any_output(browser, first: str, tmp_path: Path) -> None:
    tool = [sys.executable, str(ROOT / "tools" / "injections.py"), "--payloads", "5", "--first", first]
    done = subprocess.run(tool, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, "acting: 0" in done.stdout) == (0, True), done.stdout + done.stderr
