"""The command line in this process."""

from collections.abc import Callable

import pytest

from tbp.__main__ import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``tbp`` with these arguments: its exit code, what it printed, and what it said of its progress."""

    def to_the_end(*arguments: object) -> tuple[int, str, str]:
        code = main(list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return to_the_end
