"""Completion in a shell, of verbs, options, names of benchmarks and revisions, and its cost."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..command_line import Run
from ..repositories import commit, git, new_repository

pytest.importorskip("argcomplete")
HEAVY = {"torch", "pandas", "plotly", "asv", "numpy", "scipy", "jinja2", "msgspec", "rich", "tomlkit", "json5"}


def completed(folder: Path, line: str) -> list[str]:
    """The words that argcomplete would hand to the shell."""
    answer = folder / "answer"
    variables = os.environ | {
        "_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
    }  # fmt: skip
    program = (
        "import sys, atexit\nfrom tbp.__main__ import main\n"
        f"heavy = {HEAVY!r}\n"
        "import os\nleave = os._exit\n"
        "os._exit = lambda code: leave(99 if heavy & set(sys.modules) else code)\n"
        "main([])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=variables, capture_output=True, check=False)
    assert done.returncode == 0, "it imported what is heavy" if done.returncode == 99 else done.stderr
    return [word.strip() for word in answer.read_text().split("\n")]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    repository = new_repository(tmp_path / "project")
    commit(repository, "x")
    git(repository, "tag", "v1.0")
    git(repository, "branch", "feature/flash")
    (repository / "asv.conf.json").write_text('{"repo": ".", "results_dir": "kept"}')
    (repository / "kept").mkdir()
    names: dict[str, object] = {name: {} for name in ("attention.time_step", "attention.peakmem_step", "other.time_x")}
    (repository / "kept" / "benchmarks.json").write_text(json.dumps({**names, "version": 2}))
    return repository


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tbp rep", ["report"]),
        ("tbp trace ", ["prune"]),
        ("tbp report --sing", ["--single-file"]),
        ("tbp hotspots --group-by m", ["module"]),
        ("tbp compare --bench attention.", ["attention.peakmem_step", "attention.time_step"]),
        ("tbp compare --config nowhere --bench att", [""]),
        ("tbp gate v", ["v1.0"]),
        ("tbp bisect attention.p", ["attention.peakmem_step"]),
        ("tbp bisect attention.peakmem_step v", ["v1.0"]),
        ("tbp ack oth", ["other.time_x"]),
        ("tbp gate main fea", ["feature/flash"]),
    ],
)
def test_a_word_is_completed_without_importing_much(project: Path, line: str, words: list[str]):
    assert sorted(completed(project, line)) == words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_what_it_evaluates(shell: str, run: Run, tmp_path: Path):
    code, out, _ = run("completion", shell)
    assert (code, "tbp" in out, "_ARGCOMPLETE" in out) == (0, True, True)
    if shutil.which(shell):
        (tmp_path / "script").write_text(out)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_without_argcomplete_the_message_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch):
    for module in ("argcomplete", "argcomplete.shell_integration"):
        monkeypatch.setitem(sys.modules, module, None)
    code, out, err = run("completion", "bash")
    assert (code, out) == (2, "")
    assert err == "tbp: completion needs argcomplete: pip install 'tbp-perf[completion]'\n"
