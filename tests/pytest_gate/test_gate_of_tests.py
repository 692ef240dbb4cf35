"""``pytest --tbp-gate BASE`` as a user runs it: both sides' files, pytest in the workers, the summary, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..repositories import commit, git, new_repository

pytestmark = pytest.mark.slow

WORK = "def total(n):\n    return sum(i * i for i in range(n))\n"
TESTS = """
import pytest
from thing import total

@pytest.mark.tbp
def test_total():
    total(3000)

class TestSum:
    @pytest.mark.parametrize("n", [1000])
    def test_sum(self, tbp_benchmark, numbers, n):
        assert tbp_benchmark(sum, numbers[:n]) == 499500

def test_as_pytest_benchmark_has_it(benchmark):
    assert benchmark(len, [1]) == 1
"""
NEW_TEST = """
@pytest.mark.tbp
def test_new():
    total(3)

@pytest.mark.tbp
async def test_coroutine():
    total(3)

def test_unmarked(tbp_benchmark):
    tbp_benchmark(total, 3)
"""
CONFTEST = """
import pytest

@pytest.fixture(scope="module")
def numbers():
    return list(range(5000))

@pytest.fixture
def benchmark():  # until the workers have their own
    return lambda function, *args: function(*args)

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):  # instead of a plugin for coroutines
    return True if pyfuncitem.name == "test_coroutine" else None
"""
INI = "[pytest]\nfilterwarnings = error\naddopts = --strict-markers -q\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_repository(tmp_path_factory.mktemp("gated") / "thing")
    files = {"pytest.ini": INI, "tests/conftest.py": CONFTEST, "tests/test_thing.py": TESTS}
    commit(folder, "base", files={**files, "src/thing/__init__.py": WORK})
    git(folder, "tag", "base")
    (folder / "src" / "thing" / "__init__.py").write_text(WORK.replace("range(n)", "range(2 * n)"))
    (folder / "tests" / "test_thing.py").write_text(TESTS + NEW_TEST)
    return folder


def run_pytest(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tbp.pytest_plugin", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=variables | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_slower_workload_fails_the_run_and_others_are_told(repository: Path, tmp_path: Path):
    before = git(repository, "status", "--porcelain"), git(repository, "worktree", "list")
    done = run_pytest(
        repository, "--tbp-gate", "base", "--tbp-json", str(tmp_path / "out.json"), "-k", "not benchmark_has"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    judged = {each["benchmark"]: each for each in json.loads((tmp_path / "out.json").read_text())["judgements"]}
    states = {name.rpartition("::")[2]: each["state"] for name, each in judged.items()}
    assert states["test_total"] == "regression", done.stdout
    total = judged["tests/test_thing.py::test_total"]
    assert total["low"] < 1.3  # twice the work; a busy machine moves the effect, and widens its interval
    assert total["high"] > 0.7
    assert states["test_sum[1000]"] not in ("regression", "improvement", "failed", "skipped")
    assert judged["tests/test_thing.py::test_new"]["reason"].startswith("not in base: there is no such test")
    assert judged["tests/test_thing.py::test_coroutine"]["reason"].startswith("a coroutine cannot be timed")
    assert "tbp: marked tests in turns" in done.stdout
    assert "1 regression" in done.stdout
    assert before == (git(repository, "status", "--porcelain"), git(repository, "worktree", "list"))


def test_a_test_that_fails_in_base_is_told_with_its_error(repository: Path):
    (repository / "tests" / "test_thing.py").write_text(TESTS)
    commit(repository, "broken", files={"src/thing/__init__.py": "def total(n):\n    raise ValueError('no total')\n"})
    (repository / "src" / "thing" / "__init__.py").write_text(WORK)
    done = run_pytest(repository, "--tbp-gate", "HEAD", "-k", "test_total or benchmark_has", "--tbp-relevant", "40")
    assert done.returncode == 1, done.stdout
    assert "base raised RuntimeError: ValueError: no total" in done.stdout
    assert "test_as_pytest_benchmark_has_it" in done.stdout
