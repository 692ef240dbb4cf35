"""asv as a process, with a stand-in for asv: how it is started, interrupted and ended."""

import os
import signal
from pathlib import Path

import pytest

from tbp.asv import runner
from tbp.asv.runner import run_asv

from ..processes import all_end

# Run as `python -m asv`, found by PYTHONPATH. Its child has a process group of its own, as asv's fork server has.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: os.setpgid(0, 0), stdout=-3, stderr=-3)
print(child.pid, flush=True)
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module that is run in place of asv."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "asv.py"


def test_nothing_that_asv_started_outlives_an_interrupt(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stand_in.write_text(STUBBORN)
    monkeypatch.setattr(runner, "ENDING_S", 0.2)
    started: list[int] = []

    def heard(line: str) -> None:
        started.append(int(line))
        if len(started) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        run_asv(["run"], tmp_path, heard=heard)
    assert len(started) == 2
    assert all_end(started, within_s=5)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_asv_leaves_behind_when_it_crashes_is_ended_too(stand_in: Path, tmp_path: Path):
    stand_in.write_text(STUBBORN.replace("time.sleep(60)", "os.kill(os.getpid(), signal.SIGKILL)"))
    ran = run_asv(["run"], tmp_path)
    assert ran.status == -signal.SIGKILL
    assert all_end([int(line) for line in ran.output.split()], within_s=5)


def test_asv_that_ends_without_listening_is_no_error_of_ours(stand_in: Path, tmp_path: Path):
    stand_in.write_text("import sys; sys.stdin.close(); print('No.'); sys.exit(1)")
    ran = run_asv(["run", "HASHFILE:-"], tmp_path, stdin="c0ffee\n" * 100_000)
    assert (ran.status, ran.output) == (1, "No.\n")


@pytest.mark.parametrize("name", ["asv.py", "asv/__main__.py", "asv/__init__.py", "json.py", "virtualenv.py"])
def test_a_project_s_files_are_not_taken_for_modules(tmp_path: Path, name: str):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise SystemExit('this is the project')\n")
    ran = run_asv(["--version"], tmp_path)
    assert (ran.status, ran.output.startswith("asv 0.6")) == (0, True), ran.output


def test_asv_gets_the_variables_that_are_allowed(stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in.write_text("import os; print(' '.join(sorted(os.environ)))")
    for name in ("GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "MYSQL_PWD", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    names = run_asv(["run"], tmp_path).output.split()
    assert {"OMP_NUM_THREADS", "PATH"} <= set(names)
    assert not {"GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "MYSQL_PWD"} & set(names)
