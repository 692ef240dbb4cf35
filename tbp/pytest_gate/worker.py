"""The worker for tests: runs pytest in the files of one commit, and lets a test's workload take turns.

Run by its path, as ``tbp/turns/worker.py`` is, and in its language; pytest's root is where that has the suites. It
imports that file by its location and nothing else of tbp, so that a project called tbp can be measured too.

    {"do": "discover", "names"} → {"tests": {node id: {"is_marked", "unsuitable", "digest"}}, "foreign": [path, …]}
    {"do": "import", "names"}, {"do": "cell", "name"} and a cell's turns: as there

``discover`` collects the files of ``names``; "foreign" are modules that came from the folder TBP_WORKING_TREE instead
of the commit's files. A cell is one run of pytest with one node id: the test's fixtures are set up as ever, and the
workload is called in blocks until the referee ends it.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import traceback
import unittest
from collections.abc import Callable
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tbp.turns import worker
else:
    _spec = spec_from_file_location("tbp_gate_worker", Path(__file__).parent.parent / "turns" / "worker.py")
    worker = module_from_spec(_spec)
    _spec.loader.exec_module(worker)

FIXTURES = ("tbp_benchmark", "benchmark")
MARKS = ("tbp", "benchmark")
MOST_FOREIGN = 3
NEVER_CALLED = "the test ended before its workload was called"


class Collected:
    """A plugin that keeps the tests which pytest collected."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.items = list(items)


class TimedCall:
    """A function as asv_runner's benchmarks look to ``WorkerStep``."""

    _current_params = ()
    _setups = ()

    def __init__(self, function: Callable[[], object]) -> None:
        self.func = function


class Fixtures:
    """The fixtures that tests call with their workload, for this worker."""

    def __init__(self, measured: MeasuredTest) -> None:
        self._measured = measured

    @pytest.fixture
    def tbp_benchmark(self) -> object:
        return Calls(self._measured)

    @pytest.fixture
    def benchmark(self) -> object:
        return Calls(self._measured)


class Calls:
    """The value of such a fixture; it has what tests use of pytest-benchmark and pytest-codspeed."""

    def __init__(self, measured: MeasuredTest) -> None:
        self._measured = measured
        self.extra_info: dict[str, object] = {}
        self.group: str | None = None
        self.enabled = True

    def __call__(self, function: Callable[..., object], *args: object, **kwargs: object) -> object:
        return self._measured.measure(partial(function, *args, **kwargs))

    def pedantic(
        self, target: Callable[..., object], args: Any = (), kwargs: Any = None, setup: object = None, **_: object
    ) -> object:
        if setup is not None:
            pytest.skip("benchmark.pedantic with a setup of each round cannot take turns")
        return self._measured.measure(partial(target, *args, **(kwargs or {})))


class MeasuredTest:
    """A plugin that measures the workload of the one test that runs."""

    def __init__(self, channel: worker.Channel) -> None:
        self._channel = channel
        self.is_ready = False
        self.skipped, self.failed = "", ""

    def measure(self, function: Callable[[], object]) -> object:
        """Let ``function`` take turns, the first time; its result for what the test asserts of it."""
        if not self.is_ready:
            step = worker.WorkerStep(TimedCall(function))
            self.is_ready = True
            worker.take_turns(step, self._channel)
        return function()

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        for mark in MARKS:
            config.addinivalue_line("markers", f"{mark}: measured by tbp")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        session.config.pluginmanager.register(Fixtures(self))  # after every plugin, whose fixture it takes over

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        if set(FIXTURES) & set(pyfuncitem.fixturenames):
            return None
        arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        self.measure(partial(pyfuncitem.obj, **arguments))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.skipped = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        elif report.failed and not self.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self.failed = crash.message if crash is not None else str(report.longrepr)


def serve(root: str, channel: worker.Channel) -> None:
    """Answer until the referee goes away."""
    os.chdir(root)
    while True:
        request = channel.request()
        try:
            match request["do"]:
                case "discover":
                    channel.reply(tests=discovered(request["names"]), foreign=foreign_modules())
                case "import":
                    if request["names"]:
                        discovered(request["names"])
                    if request["tracing"] and "torch" in sys.modules:
                        worker.import_profiler()
                    channel.reply(forks=worker.is_safe_to_fork())
                case "cell":
                    worker.apart(partial(measure, request["name"], channel), channel)
        except BaseException:
            channel.reply(failed=traceback.format_exc())


def discovered(names: list[str]) -> dict[str, dict[str, object]]:
    """The tests in the files of ``names`` that have a workload for tbp, or none, by node id."""
    collected = Collected()
    files = [name for name in dict.fromkeys(name.partition("::")[0] for name in names) if Path(name).exists()]
    if files:
        run_pytest(["--collect-only", "--continue-on-collection-errors", *files], collected)
    return {item.nodeid: described(item) for item in collected.items}


def described(item: pytest.Item) -> dict[str, object]:
    function = getattr(item, "function", None)
    try:
        source = inspect.getsource(function) if function is not None else ""
    except (OSError, TypeError):
        source = ""
    fixtures = set(getattr(item, "fixturenames", ()))
    return {
        "is_marked": any(item.get_closest_marker(mark) for mark in MARKS) or bool(fixtures & set(FIXTURES)),
        "unsuitable": unsuitable(item, function),
        "digest": hashlib.sha256(source.encode(errors="replace")).hexdigest(),
    }


def unsuitable(item: pytest.Item, function: object) -> str:
    """A sentence on why the test cannot take turns; empty where it can."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return "a coroutine cannot be timed: call it by asyncio.run in a plain test"
    if isinstance(item, pytest.Function) and item.cls is not None and issubclass(item.cls, unittest.TestCase):
        return "pytest does not call the methods of a unittest.TestCase itself: write it as a plain test"
    return "" if isinstance(item, pytest.Function) else "it is no function of Python"


def foreign_modules() -> list[str]:
    """Modules that were imported from the working tree, which is not what is measured here."""
    tree = os.environ.get("TBP_WORKING_TREE", "")
    paths = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    inside = [path for path in paths if tree and path.startswith(tree + os.sep)]
    return sorted(path for path in inside if "site-packages" not in path and path != __file__)[:MOST_FOREIGN]


def measure(name: str, channel: worker.Channel) -> None:
    """Run one test, whose workload takes turns; reply why it does not."""
    measured = MeasuredTest(channel)
    status = run_pytest([name], measured)
    if measured.is_ready and not measured.failed:
        return
    if measured.skipped and not measured.failed:
        channel.reply(skipped=measured.skipped)
        return
    raise RuntimeError(measured.failed or f"{NEVER_CALLED} (pytest's exit status is {int(status)})")


def run_pytest(arguments: list[str], plugin: object) -> int:
    """pytest without what the project adds to its command line, but for the options that the caller passed on."""
    passed = os.environ.get("TBP_PYTEST_OPTIONS", "").split("\n")
    options = [
        "-q",
        "-s",
        "-o",
        "addopts=",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:tbp",
        "-W",
        "ignore::pytest.PytestWarning",
    ]
    return int(pytest.main([*options, *filter(None, passed), f"--rootdir={Path.cwd()}", *arguments], [plugin]))


def main() -> None:
    root, requests, replies = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    worker.die_with_parent()
    sys.path.pop(0)  # this file's folder is no place to import from
    serve(root, worker.Channel(requests, replies))


if __name__ == "__main__":
    main()
