"""What is printed, in any encoding: no character that acts unseen, no forged line, no command of a CI system."""

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tbp.system.foreign_text import MOST_OF_LINE, json_without_commands, line_of, without_commands
from tbp.system.printing import drawing, guarded, say, show, warn

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nreport: /etc/passwd", "a report: /etc/passwd"),
        ("a\r\x1b[2K\x1b[1Aok", "a \ufffd[2K\ufffd[1Aok"),
        ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
        ("\x9b31mred\x84", "\ufffd31mred\ufffd"),
        ("\u202e%01\u2066", "\ufffd%01\ufffd"),
        ("a\u2028b\x85c\x0bd", "a b c d"),
        ("soft\xadhyphen\u200bzero\ufeff", "soft\ufffdhyphen\ufffdzero\ufffd"),
        ("tag\U000e0041", "tag\ufffd"),
        ("\ud800", "\ufffd"),
        ("  indented", "  indented"),
        ("注意力 👩\u200d🔬 é", "注意力 👩\u200d🔬 é"),
        ("::error::x", ": :error::x"),
        ("  ::set-output name=a::b", "  : :set-output name=a::b"),
        ("aten::mm", "aten::mm"),
        ("x ##[error]y ##vso[task.x]", "x # #[error]y # #vso[task.x]"),
        ("###[add-mask]x ##TeamCity[buildStop]", "## #[add-mask]x # #TeamCity[buildStop]"),
    ],
)
def test_a_line_is_one_line_without_anything_that_acts(text: str, line: str, capsys: pytest.CaptureFixture[str]):
    say(text)
    warn(text)
    assert capsys.readouterr() == (f"{line}\n", f"{line}\n")


def test_a_line_ends():
    assert len(line_of("x" * MOST_OF_LINE)) == MOST_OF_LINE
    assert line_of("x" * 10**6) == "x" * (MOST_OF_LINE - 1) + "…"


def test_what_is_drawn_keeps_its_colours_and_loses_its_commands(capsys: pytest.CaptureFixture[str]):
    with guarded():
        show("\x1b[31m✖\x1b[0m\n   ::error::x\na ##[group]\n")
        print("\x1b[31m", end="")
        print("::notice::y")
        print("::notice::z")
        drawing(sys.stderr).write("\x1b[2K")
    out, err = capsys.readouterr()
    assert out == "\x1b[31m✖\x1b[0m\n   : :error::x\na # #[group]\n\ufffd[31m::notice::y\n: :notice::z\n"
    assert err == "\x1b[2K"


def test_a_command_is_seen_where_a_line_begins_in_an_earlier_write(capsys: pytest.CaptureFixture[str]):
    with guarded():
        for piece in ("a ", "::error::1\n", "  ", "::error::2", "\n \n", "::error::3\n"):
            sys.stdout.write(piece)
    assert capsys.readouterr().out == "a ::error::1\n  : :error::2\n \n: :error::3\n"
    assert without_commands("::a::\n::b::", is_at_start=False) == "::a::\n: :b::"


def test_json_means_the_same_without_commands():
    text = '{"##[error]": "###vso[x] # ##"}'
    assert "##" not in json_without_commands(text)
    assert __import__("json").loads(json_without_commands(text)) == {"##[error]": "###vso[x] # ##"}


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("ascii", "x +5 % -> 3 us, -2 - 4..., v ^, caf\\xe9 \\u6ce8 ?"),
        ("latin-1", "x +5 % -> 3 µs, -2 - 4..., v ^, café \\u6ce8 ?"),
        ("utf-8", "✖ +5 % → 3 µs, −2 – 4…, ▼ ▲, café 注 \ufffd"),
    ],
)
def test_a_stream_without_a_character_shows_another(encoding: str, line: str, monkeypatch: pytest.MonkeyPatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    say("✖ +5 % → 3 µs, −2 – 4…, ▼ ▲, café 注 \udc80")
    sys.stdout.flush()
    assert raw.getvalue().decode(encoding) == f"{line}\n"


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_a_reader_that_went_away_changes_nothing(closed: str):
    program = (
        "import sys\n"
        "from tbp.system.printing import guard, say, show, warn\n"
        "from tbp.system.progress import Progress\n"
        "guard()\n"
        "with Progress() as progress:\n"
        "    for number in range(3000):\n"
        "        say('x' * 40); warn('y' * 40); show('z' * 40); progress.line('w' * 40)\n"
        "sys.stdout.flush(); sys.stderr.flush()\n"
        "sys.exit(3)\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    streams = {name: writer if closed in (name, "both") else subprocess.DEVNULL for name in ("stdout", "stderr")}
    done = subprocess.run([sys.executable, "-c", program], **streams)
    os.close(writer)
    assert done.returncode == 3


@pytest.mark.parametrize("redirect", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_is_closed_is_none(redirect: str):
    program = "from tbp.system.printing import guard, say, show, warn; guard(); say('a'); warn('b'); show('c')"
    done = subprocess.run(["sh", "-c", f'"$0" -c "$1" {redirect}', sys.executable, program], capture_output=True)
    assert (done.returncode, b"Traceback" in done.stdout + done.stderr) == (0, False)
    assert b"b" not in done.stdout


# The seam itself, and processes of their own whose output is not tbp's.
SEAM_OR_OTHERS = (
    "system/printing.py",
    "__main__.py",
    "turns/worker.py",
    "scaffold/probe.py",
    "bench/",
    "selftest/program.py",
    "defects/program.py",
)
DRAWERS = ("system/progress.py", "wording/terminal.py", "commands/output.py")  # rich's: to a string, or to the seam


def test_nothing_prints_beside_the_seam():
    files = {str(path.relative_to(ROOT / "tbp")): path for path in (ROOT / "tbp").rglob("*.py")}
    printing = {
        f"{name}:{node.lineno}"
        for name, path in files.items()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if not name.startswith(SEAM_OR_OTHERS) and _prints(node, is_drawer=name in DRAWERS)
    }
    assert printing == set()


def _prints(node: ast.AST, *, is_drawer: bool) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="print")):
            return True
        case ast.Call(func=ast.Name(id="Console")):
            return not is_drawer
        case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr" | "__stdout__" | "__stderr__"):
            return not is_drawer
    return False
