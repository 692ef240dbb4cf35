"""Where forms go, and what keeps colours off."""

import os
import sys
from pathlib import Path

import pytest

from tbp.commands.options import STDOUT
from tbp.commands.output import has_colours, require_writable, write_file, write_forms
from tbp.errors import UsageError


def test_a_file_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("before")
    write_file(path, "after \udc80")
    assert path.read_text() == "after ?"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    write_file(link, "text")
    assert link.is_symlink()
    assert target.read_text() == "text"


def test_a_pipe_is_written_to() -> None:
    reader, writer = os.pipe()
    write_file(Path(f"/dev/fd/{writer}"), "text")
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "text"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*nowhere/x: .*; name another file"):
        write_file(tmp_path / "nowhere" / "x", "text")


def test_only_one_form_goes_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="only one of --a and --c can go to stdout"):
        require_writable({"--a": STDOUT, "--b": None, "--c": STDOUT})
    file = tmp_path / "b"
    forms = {"--a": (STDOUT, lambda: "a"), "--b": (file, lambda: "b"), "--c": (None, lambda: pytest.fail("unwanted"))}
    write_forms(forms, lambda: pytest.fail("a form took its place"))
    assert (capsys.readouterr().out, file.read_text()) == ("a", "b")
    write_forms({"--a": (None, lambda: "a")}, lambda: "table")
    assert capsys.readouterr().out == "table"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert not has_colours()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert has_colours() is expected
