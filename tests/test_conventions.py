"""Conventions of command lines, which users rely on: colours, pipes, Ctrl-C, versions, and systems other than Linux."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tbp import __version__

from .command_line import Run

RESULTS = Path(__file__).parent / "data" / "tinyformer" / "results"
COMPARE = ("compare", "0ba96705", "ed5bf5e8", "--results", str(RESULTS))


def tbp(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    return subprocess.run(
        [sys.executable, "-m", "tbp", *arguments],
        env=inherited | {"TERM": "xterm"} | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_a_pipe_has_colours_only_where_they_are_forced(variables: dict[str, str], coloured: bool):
    done = tbp(*COMPARE, **variables)
    assert (done.returncode, "\x1b[" in done.stdout) == (3, coloured)
    plain = tbp(*COMPARE, "--json", **variables)
    assert "\x1b[" not in plain.stdout, "never in a form for programs"


def test_help_has_no_escape_sequences_even_where_colours_are_forced():
    """Python 3.14 colours the help of argparse, and tbp shows escape sequences of others as text."""
    done = tbp("gate", "--help", FORCE_COLOR="1", PYTHON_COLORS="1")
    assert (done.returncode, "\x1b" in done.stdout, "\ufffd" in done.stdout) == (0, False, False)


@pytest.mark.parametrize("program", [[sys.executable, "-m", "tbp"], [str(Path(sys.executable).with_name("tbp"))]])
def test_the_version_is_one_line(program: list[str]):
    done = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"tbp {__version__}\n", "")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_pipe_that_takes_one_line_and_ctrl_c_leave_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-m", "tbp", *COMPARE, "--verbose"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("4 regressions")
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
    assert process.returncode == 3, "the verdict, though nobody read it"
    program = (
        "import os, signal, tbp.comparison.stored_commits as stored\n"
        "stored.compared = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "from tbp.__main__ import main\n"
        "raise SystemExit(main(['compare', 'a', 'b', '--results', '.']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "tbp: interrupted; what was measured before is kept\n")


def test_windows_is_sent_to_wsl(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "platform", "win32")
    code, out, err = run(*COMPARE)
    assert (code, out) == (2, "")
    assert err == "tbp: tbp runs on Linux and macOS; on Windows, run it in WSL\n"
    with pytest.raises(SystemExit) as ended:
        run("--help")
    assert ended.value.code == 0


def test_verbs_that_read_need_nothing_that_only_linux_has(tmp_path: Path):
    """As on macOS, as far as Linux can show it: no /proc, no choice of cores, no prctl."""
    program = (
        "import builtins, io, os, sys\n"
        "import tbp.__main__ as program\n"
        "for name in ('sched_getaffinity', 'sched_setaffinity', 'pidfd_open', 'memfd_create'): delattr(os, name)\n"
        "def without_proc(function):\n"
        "    def refused(path='.', *rest, **more):\n"
        "        if str(path).startswith('/proc'): raise FileNotFoundError(2, 'No such file or directory', path)\n"
        "        return function(path, *rest, **more)\n"
        "    return refused\n"
        "builtins.open = io.open = without_proc(io.open)\n"
        "os.listdir, os.scandir, os.stat = map(without_proc, (os.listdir, os.scandir, os.stat))\n"
        f"results = {str(RESULTS)!r}\n"
        "codes = [program.main(['report', '--results', results, '--out', 'site'])]\n"
        "codes += [program.main(['compare', '0ba96705', 'ed5bf5e8', '--results', results])]\n"
        "codes += [program.main(['hotspots', 'ed5bf5e8', '--results', results])]\n"
        "codes += [program.main(['export', 'ed5bf5e8', '--results', results, '--perfetto', 'out'])]\n"
        "print(codes, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("[3, 3, 0, 0]\n"), done.stderr
