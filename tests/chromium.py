"""The browser of the tests: one for all of them, as playwright takes no second in a process."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium through playwright; skips where one of them is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    named = [os.environ.get("TBP_CHROMIUM"), "/usr/bin/chromium", shutil.which("google-chrome")]
    executable = next((path for path in named if path and Path(path).exists()), None)
    if executable is None:
        pytest.skip("no Chromium found; set TBP_CHROMIUM to its path")
    flags = ("sandbox", "first-run")
    quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
    args = [*(f"--no-{flag}" for flag in flags), *(f"--disable-{flag}" for flag in quiet)]
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=executable, args=args)
        yield chromium
        chromium.close()
