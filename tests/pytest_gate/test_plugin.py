"""The pytest plugin without its gate: marked tests are plain tests, and nothing heavy is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import sys

import pytest

@pytest.mark.tbp
def test_marked():
    pass

def test_called(tbp_benchmark):
    assert tbp_benchmark(sorted, [2, 1], reverse=True) == [2, 1]

def test_nothing_heavy_is_imported():
    heavy = {"numpy", "pandas", "torch", "asv", "msgspec", "tbp.turns", "tbp.pytest_gate"} & set(sys.modules)
    assert not heavy
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with those tests, which no plugin but tbp's is loaded for."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    (tmp_path / "test_it.py").write_text(TESTS)
    return tmp_path


def run_pytest(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env=variables | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


PLUGIN = ("-p", "tbp.pytest_plugin")


def test_marked_tests_are_plain_tests(project: Path):
    done = run_pytest(project, *PLUGIN)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    assert "tbp" not in done.stdout.partition("test session starts")[2].replace(str(project), "").partition("passed")[2]


def test_without_the_plugin_the_mark_is_unknown(project: Path):
    assert "'tbp' not found in `markers`" in run_pytest(project).stdout


def test_processes_of_xdist_are_refused(project: Path):
    done = run_pytest(project, *PLUGIN, "-p", "xdist", "-n", "2", "--tbp-gate", "HEAD")
    assert done.returncode == 4
    assert "--tbp-gate measures alone on the machine: run it without -n" in done.stderr


def test_limits_are_bounded_as_those_of_the_verbs(project: Path):
    done = run_pytest(project, *PLUGIN, "--tbp-gate", "HEAD", "--tbp-budget", "-1")
    assert done.returncode == 4
    assert "argument --tbp-budget: must be above 0" in done.stderr
    done = run_pytest(project, *PLUGIN, "--tbp-gate", "HEAD", "--tbp-relevant", "500")
    assert "argument --tbp-relevant: must be above 0 and below 100" in done.stderr


def test_without_a_repository_nothing_is_measured_and_the_run_fails(project: Path):
    done = run_pytest(project, *PLUGIN, "--tbp-gate", "HEAD")
    assert done.returncode == 4, done.stdout
    assert "nothing was measured: --tbp-gate needs a git repository" in done.stdout
    assert "3 passed" in done.stdout


def test_without_a_marked_test_that_passed_nothing_is_measured(project: Path):
    done = run_pytest(project, *PLUGIN, "--tbp-gate", "HEAD", "-k", "heavy")
    assert done.returncode == 0, done.stdout
    assert "no test with the mark `tbp` or the fixture `tbp_benchmark` passed" in done.stdout
