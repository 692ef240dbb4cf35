"""A report whose inputs are the same says the same without being built; any change builds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tbp
from tbp.__main__ import main
from tbp.project import git as git_module
from tbp.report.site import load, unchanged
from tbp.system.cache import save

from .conftest import store

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def project(tmp_path: Path, results: Path, cached: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with these results and a configuration, as the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(unchanged, "SETTLED_NS", -HOUR_NS)  # the tests' files are brand new
    content = {"version": 1, "project": "p", "repo": ".", "branches": ["main"], "results_dir": "results"}
    (tmp_path / "asv.conf.json").write_text(json.dumps(content))
    git("init", "--quiet", "--initial-branch=main")
    commit()
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)


def commit() -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    git(*who, "commit", "--quiet", "--allow-empty", "--message=one more")


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """One entry for each report that was really built."""
    seen: list[Path] = []
    real = load.judged

    def counted(*arguments: object) -> object:
        seen.append(Path())
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(load, "judged", counted)
    return seen


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*options: str) -> tuple[int, str, str]:
        code = main(["report", "--out", "site", *options])
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran


def test_the_same_again_says_the_same_and_builds_nothing(project: Path, builds: list[Path], run: Run):
    first = run()
    assert first[0] == 3
    assert "suite.time_one" in first[1]
    assert run() == first
    assert len(builds) == 1
    assert run("--exit-zero") == (0, *first[1:])
    assert len(builds) == 1


CHANGES: dict[str, Callable[[Path], object]] = {
    "a result more": lambda project: store(project / "results", 60),
    "a result less": lambda project: (project / "results" / "box" / f"{3:08x}-env.json").unlink(),
    "a result written again": lambda project: store(project / "results", 3, factor=1.001),
    "a machine described": lambda project: (project / "results" / "box" / "machine.json").write_text("{}"),
    "a session beside a result": lambda project: session(project),
    "a policy": lambda project: (project / "pyproject.toml").write_text("[tool.tbp]\nrelevant = 0.5\n"),
    "an acknowledgement": lambda project: acknowledge(project),
    "a commit": lambda project: commit(),
    "a tag": lambda project: git("tag", "v1"),
    "a page gone": lambda project: min((project / "site" / "benchmarks").iterdir()).unlink(),
    "a data file gone": lambda project: (project / "site" / "feed.xml").unlink(),
    "a page changed": lambda project: (project / "site" / "index.html").write_text("written by tbp report"),
    "another configuration": lambda project: configure(project),
}


def session(project: Path) -> None:
    folder = project / "results" / "box" / f"{3:08x}-env.traces" / "suite.time_one"
    folder.mkdir(parents=True)
    (folder / "x.s1.session.json.gz").write_bytes(b"not a session")


def acknowledge(project: Path) -> None:
    (project / "reports").mkdir()
    entry = f'[[ack]]\nbenchmark = "suite.*"\ncommit = "{30:08x}"\nreason = "worth it"\n'
    (project / "reports" / "acks.toml").write_text(entry)


def configure(project: Path) -> None:
    path = project / "asv.conf.json"
    path.write_text(path.read_text().replace('"p"', '"another name"'))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_builds_it(project: Path, builds: list[Path], run: Run, change: Callable[[Path], object]):
    run()
    change(project)
    after = run()
    assert len(builds) == 2
    assert run() == after
    assert len(builds) == 2


def test_another_view_of_the_results_is_another_report(project: Path, builds: list[Path], run: Run):
    assert run()[0] == 3
    code, out, _ = run("--base", f"{40:08x}")
    assert (code, len(builds)) == (0, 2)
    assert out.startswith("Since 00000028: no confirmed regression")
    run("--single-file")
    assert len(builds) == 3
    run("--single-file")
    assert len(builds) == 3


def test_another_folder_to_write_to_is_another_report(project: Path, builds: list[Path], run: Run):
    run()
    run("--out", "other")
    assert len(builds) == 2
    assert (project / "other" / "index.html").exists()


def test_what_has_just_changed_is_not_trusted(
    project: Path, builds: list[Path], run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(unchanged, "SETTLED_NS", HOUR_NS)
    run()
    run()
    assert len(builds) == 2


def test_another_version_of_tbp_builds_it(project: Path, builds: list[Path], run: Run, monkeypatch: pytest.MonkeyPatch):
    run()
    monkeypatch.setattr(unchanged, "_packages", lambda: [("another version", None)])
    run()
    assert len(builds) == 2


def test_tbp_itself_changed_during_the_build(
    project: Path, builds: list[Path], run: Run, monkeypatch: pytest.MonkeyPatch
):
    real, now = unchanged._tree, time.time_ns()

    def edited(folder: Path | str, depth: int = unchanged.DEPTH) -> list[tuple[str, unchanged.Identity | None]]:
        new = [("new.py", (1, now, now, 1))] if folder == tbp.__path__[0] else []
        return real(folder, depth) + new

    monkeypatch.setattr(unchanged, "SETTLED_NS", -HOUR_NS)
    monkeypatch.setattr(unchanged, "_tree", edited)
    run()
    run()
    assert len(builds) == 1  # it is as old as everything else is taken to be here
    monkeypatch.setattr(unchanged, "SETTLED_NS", time.time_ns() - now + 1)
    now += HOUR_NS
    run()
    run()
    assert len(builds) == 3


def test_git_is_asked_where_its_references_are_before_anything_else(
    project: Path, builds: list[Path], run: Run, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    real_question, real_answer = git_module.Question.__init__, git_module.Question.answer

    def begun(self: git_module.Question, repository: Path, *arguments: str, **more: Any) -> None:
        asked.append(f"begin {arguments[0]}")
        real_question(self, repository, *arguments, **more)

    def answered(self: git_module.Question) -> str:
        asked.append("answer")
        return real_answer(self)

    monkeypatch.setattr(git_module.Question, "__init__", begun)
    monkeypatch.setattr(git_module.Question, "answer", answered)
    run()
    assert asked[:4] == ["begin show-ref", "begin rev-parse", "answer", "answer"]
    assert {"begin log", "begin rev-list"} <= set(asked[4:])


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b'{"said": 1}', b"\xff", None])
def test_a_damaged_note_is_none(project: Path, cached: Path, builds: list[Path], run: Run, payload: bytes | None):
    first = run()
    (note,) = cached.glob("report-*")
    if payload is None:
        note.write_bytes(os.urandom(300))
    else:
        save(note, b"report", unchanged._FORMAT, payload)
    assert run() == first
    assert len(builds) == 2


def test_it_can_be_switched_off(
    project: Path, cached: Path, builds: list[Path], run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TBP_NO_CACHE", "1")
    assert run() == run()
    assert len(builds) == 2
    assert not cached.exists()


def test_a_report_without_traces_imports_little_and_saying_it_again_nothing_large(project: Path):
    look = "import sys; from tbp.__main__ import main; main(['report', '--out', 'site']); "
    look += "print(sorted({'numpy', 'pandas', 'scipy', 'jinja2'} & set(sys.modules)), file=sys.stderr)"
    look = "from tbp.report.site import unchanged; unchanged.SETTLED_NS = -10**13; " + look
    said = [subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True) for _ in range(2)]
    assert [one.stderr.splitlines()[-1] for one in said] == ["['jinja2', 'numpy']", "[]"]
    assert said[0].stdout == said[1].stdout
