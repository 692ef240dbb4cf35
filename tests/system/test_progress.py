"""Progress on stderr, with a terminal and without."""

import os
import pty
import subprocess
import sys

PROGRAM = """
from tbp.turns.progress import GateProgress
with GateProgress() as progress:
    progress.say("looking for benchmarks")
    for turn in range(2):
        progress.turn(turn, 2, 4 - 2 * turn)
        progress.cell()
        progress.cell()
    progress.line("tbp: [bold]a line[/] that stays")
print("result")
"""


SHARED = """
from tbp.system.parallel import mapped
print(sum(mapped(abs, range(4), seconds=100.0, jobs=1, doing="reading traces")))
"""


def run_on_a_terminal(program: str = PROGRAM, **variables: str) -> str:
    """What a terminal is given when stderr and stdout are that terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **variables}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=follower, stderr=follower, env=environment
    ) as process:
        os.close(follower)
        received = b""
        try:
            while part := os.read(leader, 65536):
                received += part
        except OSError:  # the other end is closed
            pass
    os.close(leader)
    assert process.returncode == 0, received
    return received.decode()


def test_a_terminal_has_a_bar_that_is_gone_at_the_end() -> None:
    shown = run_on_a_terminal()
    assert "pair 2: 2 benchmarks" in shown
    assert "left at most" in shown
    assert "tbp: [bold]a line[/] that stays\r\n" in shown
    assert shown.endswith("\x1b[2Kresult\r\n"), "the line of the bar is cleared"
    assert "━" in shown


def test_without_a_terminal_there_are_plain_lines_only() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, *more, last = done.stderr.splitlines()
    assert (first, last) == ("measuring 2 benchmarks", "tbp: [bold]a line[/] that stays")
    assert all(line.startswith("at most 0:0") for line in more)
    assert done.stdout == "result\n"
    assert "\x1b" not in done.stderr


def test_a_log_has_no_bar_though_colours_are_forced() -> None:
    """As GitHub's runners force them, whose logs have no cursor."""
    variables = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=variables)
    assert done.stderr.startswith("measuring 2 benchmarks\n")
    assert [mark for mark in ("\x1b", "━") if mark in done.stderr] == []


def test_a_terminal_that_cannot_move_its_cursor_has_no_bar() -> None:
    shown = run_on_a_terminal(TERM="dumb")
    assert "\x1b" not in shown
    assert "tbp: [bold]a line[/] that stays" in shown


HOSTILE_PROGRAM = """
from tbp.asv.runner import hear_asv
from tbp.system.progress import Progress
lines = ["[50.00%] x\\x1b[2J\\x1b]0;t\\x07\\u202e", "::error::x", "a ##vso[task.x]", "x\\nFORGED", "\\x9b31m"]
with Progress() as progress:
    for line in lines:
        hear_asv(progress, line)
        progress.say(line)
"""


def test_output_of_benchmarks_neither_acts_nor_commands() -> None:
    """asv passes on all that benchmarks print."""
    done = subprocess.run([sys.executable, "-c", HOSTILE_PROGRAM], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [
        "[50.00%] x\ufffd[2J\ufffd]0;t\ufffd\ufffd", ": :error::x", "a # #vso[task.x]", "x FORGED", "\ufffd31m",
    ]  # fmt: skip


def test_long_work_that_is_shared_out_has_a_bar() -> None:
    shown = run_on_a_terminal(SHARED)
    assert "reading traces" in shown
    assert "left" in shown
    assert shown.endswith("\x1b[2K6\r\n")
