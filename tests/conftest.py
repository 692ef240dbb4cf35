"""What holds for every test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left in the user's cache; the tests of the cache switch it on, in a folder of their own."""
    monkeypatch.setenv("TBP_NO_CACHE", "1")
