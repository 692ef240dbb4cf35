"""Suites run apart, over code that misbehaves."""

from pathlib import Path

import pytest

from tbp.scaffold import trial
from tbp.scaffold.candidates import candidates
from tbp.scaffold.choosing import by_default, by_question
from tbp.scaffold.package import SourcePackage, package_of
from tbp.scaffold.trial import first_that_works


def package(folder: Path, source: str) -> SourcePackage:
    (folder / "lib").mkdir()
    (folder / "lib" / "__init__.py").write_text(source)
    return package_of(folder, folder)


def test_the_first_callable_that_works_is_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The others raise, end the process and hang; an iterator is gone through."""
    monkeypatch.setattr(trial, "TRIAL_S", 2.0)
    lib = package(
        tmp_path,
        "import ctypes, sys\n"
        "def a(n):\n    return [1 / 0 for _ in range(n)]\n"
        "def b(n):\n    return [sys.exit(0) for _ in range(n)]\n"
        "def c(n):\n    while n: pass\n"
        "def d(n):\n    for i in range(n): print(i); yield i\n",
    )
    listed = sorted(candidates(lib.files()), key=lambda each: each.name)
    from tbp.scaffold.suites import suites_of

    tried = first_that_works([suite for each in listed for suite in suites_of(each, False)], lib)
    assert tried.suite is not None
    assert tried.suite.subject == "lib.d"
    assert "deque(d(10), maxlen=0)" in tried.suite.text
    assert [reason.partition(":")[0] for reason in tried.reasons] == [
        "lib.a",
        "lib.a",
        "lib.b",
        "lib.b",
        "lib.c",
        "lib.c",
        "lib.d",
    ]
    assert "ZeroDivisionError" in tried.reasons[0]
    assert "no answer within 2 s" in tried.reasons[4]


def test_where_nothing_can_be_called_the_import_is_timed(tmp_path: Path):
    lib = package(tmp_path, "def f(gizmo): return gizmo\n")
    choice = by_default(lib, candidates(lib.files()), runs=True, has_gpu=False)
    assert choice.suite.benchmark == "imports.timeraw_import"
    assert "name a callable with --callable 'lib:NAME(ARGUMENTS)'" in choice.notes[0]


def test_it_asks_again_until_the_choice_works(tmp_path: Path):
    lib = package(tmp_path, "def f(n): return [1 / 0 for _ in range(n)]\ndef g(n): return n\n")
    troubles = []

    def asks(shown: object, trouble: str) -> str:
        troubles.append(trouble)
        return ["1\n", "lib:h\n", "lib:g(4)\n"][len(troubles) - 1]

    choice = by_question(lib, candidates(lib.files()), asks, has_gpu=False)
    assert choice.suite.subject == "lib.g"
    assert "    g(4)\n" in choice.suite.text
    assert [trouble[:40] for trouble in troubles] == [
        "", "cannot time lib.f: ZeroDivisionError: di", "--callable: lib:h is no public function ",
    ]  # fmt: skip
