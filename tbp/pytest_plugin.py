"""The pytest plugin: tests as workloads, measured in turns with ``pytest --tbp-gate BASE``.

A test with the mark ``tbp`` is a workload; so is the function that a test passes to the fixture ``tbp_benchmark``.
Without the option both are plain tests, called once: this module imports nothing that is heavy. ``-p no:tbp`` switches
it off.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from tbp.turns.run import Gated

Result = TypeVar("Result")

MARK = "tbp: a workload of tbp: `pytest --tbp-gate BASE` measures it"
FIXTURES = ("tbp_benchmark", "benchmark")  # the second one is of pytest-benchmark and pytest-codspeed
MARKS = ("tbp", "benchmark")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tbp", "tbp: performance of marked tests")
    meaning = (
        "measure the marked tests of the working tree and of BASE, a revision, in turns; a slower one fails the run"
    )
    group.addoption("--tbp-gate", metavar="BASE", help=meaning)
    group.addoption("--tbp-json", metavar="FILE", help="the result of --tbp-gate as JSON, as that of `tbp gate --json`")
    group.addoption(
        "--tbp-budget", metavar="MIN", type=_minutes, help="wall time for measuring (default: as long as it takes)"
    )
    group.addoption(
        "--tbp-relevant", metavar="PERCENT", type=_percent, help="smallest change that is claimed (default: 2)"
    )


def _minutes(text: str) -> float:
    """The value of `tbp gate --budget`."""
    from tbp.commands.options import minutes

    return minutes(text)


def _percent(text: str) -> float:
    """The value of `tbp gate --relevant`."""
    from tbp.commands.options import percent

    return percent(text)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARK)
    base = config.getoption("--tbp-gate")
    if not base or hasattr(config, "workerinput"):
        return
    if config.getoption("numprocesses", None) or config.getoption("dist", "no") != "no":
        raise pytest.UsageError("--tbp-gate measures alone on the machine: run it without -n (or with -n 0)")
    config.pluginmanager.register(GateOfTests(config), "tbp-gate")


@pytest.fixture
def tbp_benchmark() -> Callable[..., object]:
    """Calls ``tbp_benchmark(function, *args, **kwargs)`` and gives its result; that call is the workload."""
    return _called


def _called(function: Callable[..., Result], *args: object, **kwargs: object) -> Result:
    return function(*args, **kwargs)


def is_workload(item: pytest.Item) -> bool:
    """True of a test that ``--tbp-gate`` measures."""
    fixtures = getattr(item, "fixturenames", ())
    return any(item.get_closest_marker(mark) for mark in MARKS) or any(name in fixtures for name in FIXTURES)


class GateOfTests:
    """Measures the workloads among the tests that passed, when all have run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._workloads: list[str] = []
        self._failed: set[str] = set()
        self._gated: Gated | None = None
        self._problem = ""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._workloads = [item.nodeid for item in session.items if is_workload(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self._failed.add(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Measures, and fails the run for what is confirmed to be slower or does not run."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or self._config.option.collectonly:
            return
        from tbp.errors import ExitCode, TbpError
        from tbp.wording.phrases import exit_code

        try:
            self._measure()
        except KeyboardInterrupt:
            self._problem, session.exitstatus = "it was interrupted", pytest.ExitCode.INTERRUPTED
        except (TbpError, OSError) as error:
            self._problem, session.exitstatus = str(error), pytest.ExitCode.USAGE_ERROR
        if self._gated is None:
            return
        states = {judgement.state.value for judgement in self._gated.comparison.judgements}
        is_failed = exit_code(self._gated.comparison, strict=False) is ExitCode.REGRESSION or "failed" in states
        if is_failed and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        elif self._gated.is_interrupted:
            session.exitstatus = pytest.ExitCode.INTERRUPTED

    def _measure(self) -> None:
        """Measures the workloads that passed. Raises TbpError."""
        tests = tuple(name for name in self._workloads if name not in self._failed)
        if not tests:
            return
        from math import inf

        from tbp.commands.output import require_writable, write_file
        from tbp.comparison.json_form import to_json
        from tbp.model.relevance import TWO_COMMITS
        from tbp.pytest_gate.run import TestsRequest, gate_tests
        from tbp.turns.evidence import Limits

        option = self._config.option
        path = Path(option.tbp_json) if option.tbp_json else None
        require_writable({"--tbp-json": path})
        limits = Limits(option.tbp_relevant or TWO_COMMITS)
        options = [f"--import-mode={option.importmode}", *(f"-p{name}" for name in option.plugins)]
        budget_s = 60 * option.tbp_budget if option.tbp_budget else inf
        request = TestsRequest(self._config.rootpath, tests, tuple(options), limits, budget_s)
        self._gated = gate_tests(option.tbp_gate, request)
        if path is not None:
            write_file(path, to_json(self._gated.comparison))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from tbp.system.foreign_text import without_commands

        if not self._config.option.collectonly:
            terminalreporter.section("tbp: marked tests in turns")
            lines = self._summary(terminalreporter.hasmarkup).splitlines()
            terminalreporter.write("".join(f"{without_commands(line)}\n" for line in lines), flush=True)

    def _summary(self, colour: bool) -> str:
        from tbp.commands.output import terminal_width
        from tbp.comparison.table import table
        from tbp.system.foreign_text import line_of

        if self._problem and self._gated is None:
            return f"nothing was measured: {line_of(self._problem)}\n"
        if self._gated is None:
            return "nothing was measured: no test with the mark `tbp` or the fixture `tbp_benchmark` passed\n"
        measured = table(self._gated.comparison, verbose=True, colour=colour, width=terminal_width())
        return f"{measured}{line_of(self._problem)}\n" if self._problem else measured
