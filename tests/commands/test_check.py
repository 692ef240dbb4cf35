"""``tbp check``: faults of a project's files, each with its line; and the hook of pre-commit that runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..command_line import Run
from ..repositories import NO_CONFIGURATION, commit, git, new_repository

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = """{
  "version": 1,
  "repo": ".",
  // asv reads comments
  "branches": ["main"],
  "environment_type": "virtualenv"
}
"""
POLICY = "[project]\nname = 'x'\n\n[tool.tbp]\nrelevant = 0.05\n\n[tool.tbp.better]\n'track' = 'lower'\n"
ACKS = "[[ack]]\nbenchmark = 'a'\ncommit = '04342f08'\nreason = 'x'\n\n[[ack]]\nevent = '04342f08'\nreason = 'y'\n"
CLAIMS = (
    "[[claim]]\ntitle = 'a'\n\n[[claim]]\ntitle = 'b'\n[[claim.practice]]\ntitle = 'c'\nvariant = 'd'\nagainst = 'e'\n"
)
NAMES = {
    "asv.conf.json": CONFIG, "pyproject.toml": POLICY, "reports/acks.toml": ACKS, "benchmarks/claims.toml": CLAIMS,
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without a fault."""
    commit(new_repository(tmp_path), files={"benchmarks/__init__.py": ""})
    for name, text in NAMES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_project_without_a_fault_is_named_file_by_file(project: Path, run: Run):
    code, out, err = run("check")
    assert (code, err) == (0, "")
    assert out == f"no fault in {', '.join(NAMES)}\n"
    (project / "reports" / "acks.toml").unlink()
    assert run("check")[0] == 0, "a file that a project may have"


@pytest.mark.parametrize(
    ("name", "old", "new", "at", "words"),
    [
        ("asv.conf.json", '"repo": "."', '"repo": 7', 3, "repo must be a string, not 7"),
        ("asv.conf.json", '"repo": "."', '"repo": "gone"', 3, "there is no folder"),
        ("asv.conf.json", '"main"],', '"main"]', 6, "is no JSON5, as asv reads it: unexpected "),
        ("asv.conf.json", '"main"]', '"mian"]', 5, "the repository has no branch mian; did you mean main?"),
        ("asv.conf.json", "branches", "branch", 5, "asv knows no key branch, and ignores it; did you mean branches?"),
        ("asv.conf.json", "environment_type", "environmnet_type", 6, "did you mean environment_type?"),
        ("asv.conf.json", "virtualenv", "tbp", 0, 'from a plugin; add ".tbp.asv.environment", with its first dot'),
        ("asv.conf.json", '"version": 1', '"version": 1,\n"benchmark_dir": "speed"', 3, "there is no folder speed"),
        ("asv.conf.json", '"version": 1', '"version": 1, "benchmark_dir": "speed"', 0, "there is no folder speed"),
        ("pyproject.toml", "relevant = 0.05", "relevant = -1", 5, "relevant must be a number"),
        ("pyproject.toml", "relevant", "relvant", 5, "has no key relvant"),
        ("pyproject.toml", "name = 'x'", "relevant = 1", 0, ""),
        ("pyproject.toml", "'lower'", "'smaller'", 8, 'must be "lower" or "higher"'),
        ("pyproject.toml", "[project]", "[project", 1, "Expected"),
        ("reports/acks.toml", "reason = 'y'", "reason = 'y'\nuntil = 'soon'", 9, "until must be a day"),
        ("reports/acks.toml", "reason = 'y'", "", 6, "reason must be a text"),
        ("benchmarks/claims.toml", "against", "agianst", 9, "has no key 'agianst'"),
        ("benchmarks/claims.toml", "title = 'b'", "", 4, "it has no key title"),
        ("benchmarks/claims.toml", "variant = 'd'", "variant = 1", 8, "variant: expected text, got number"),
        ("reports/acks.toml", "commit = '04342f08'", "commit = 'HEAD'", 3, "commit must be"),
    ],
)  # fmt: skip
def test_a_fault_has_its_file_its_line_and_a_sentence(
    project: Path, run: Run, name: str, old: str, new: str, at: int, words: str
):
    (project / name).write_text(NAMES[name].replace(old, new, 1))
    code, out, _ = run("check", name)
    if not words:
        assert code == 0, "of another tool"
        return
    assert code == 2
    first, last = out.splitlines()
    assert first.startswith(f"{name}:{at}: " if at else f"{name}: ")
    assert words in first
    assert last == "1 fault; nothing was measured"
    assert out == run("check")[1], "all files, without a name"


def test_all_files_are_read_though_the_first_has_a_fault(project: Path, run: Run):
    (project / "pyproject.toml").write_text("[tool.tbp]\nrelevant = 'much'\n")
    (project / "reports" / "acks.toml").write_text("[[ack]]\n")
    code, out, _ = run("check")
    assert (code, out.count("\n"), out.endswith("2 faults; nothing was measured\n")) == (2, 3, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gone.toml"], "there is no file gone.toml: correct the path"),
        (["README.md"], "README.md is no asv.conf.json"),
        (["--config", "gone.json"], "there is no file gone.json: correct the path"),
    ],
)
def test_a_file_that_is_none_of_tbp_s_is_an_error(project: Path, run: Run, arguments: list[str], words: str):
    (project / "README.md").write_text("x")
    code, out, err = run("check", *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_a_folder_without_a_configuration_is_told_the_options_that_check_has(project: Path, run: Run):
    (project / "asv.conf.json").unlink()
    code, _, err = run("check")
    assert (code, "--results" in err) == (2, False)
    assert err.endswith("name the file with --config, or run `tbp init`\n")
    assert "(or the results with --results)" in run("report")[2]


def test_hints_name_what_has_no_effect(project: Path, run: Run):
    (project / "results" / "box").mkdir(parents=True)
    (project / "results" / "box" / "0123abcd-env.json").write_text("no result")
    (project / "results" / "benchmarks.json").write_text('{"suite.track_loss": {}, "version": 2}')
    (project / "asv.conf.json").write_text(CONFIG.replace('"repo"', '"_note": "x", "repo"'))
    (project / "pyproject.toml").write_text(
        "[tool.tbp.better]\n'track_los$' = 'lower'\n'loss' = 'lower'\n[tool.tbp.machines]\n'^ci' = 'ci'\n"
    )
    for folder in ("words", "tools"):
        (project / "benchmarks" / folder).mkdir()
        (project / "benchmarks" / folder / "bench.py").write_text(f"def {folder[:3].replace('wor', 'time_')}x(): ...\n")
    code, out, _ = run("check")
    assert (code, out.splitlines()[1:]) == (
        0,
        [
            "hint: asv.conf.json has _note, which asv ignores; leave out what no plugin reads",
            "hint: benchmarks/words has no __init__.py, so asv looks for no benchmarks there; make one",
            "hint: [tool.tbp.better] 'track_los$' matches no benchmark of the results; near: suite.track_loss",
            "hint: [tool.tbp.machines] '^ci' matches no machine of the results; known: box",
        ],
    )


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pre-commit", path=str(Path(sys.executable).parent)), reason="no pre-commit")
def test_pre_commit_runs_the_hook(project: Path, tmp_path_factory: pytest.TempPathFactory):
    """The hook as it is shipped, but with the tbp that is installed: pre-commit would install all it needs."""
    hooks = new_repository(tmp_path_factory.mktemp("hooks"))
    shipped = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    assert "language: python\n" in shipped
    (hooks / ".pre-commit-hooks.yaml").write_text(shipped.replace("language: python\n", "language: system\n"))
    git(hooks, "add", ".")
    git(hooks, "commit", "-qm", "hooks")
    revision = git(hooks, "rev-parse", "HEAD")
    (project / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {hooks}\n  rev: {revision}\n  hooks: [{{id: tbp-check}}]\n"
    )
    git(project, "add", ".")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = os.environ | NO_CONFIGURATION | {"PATH": path, "PRE_COMMIT_HOME": str(hooks / "home")}

    def hook() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
        return subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True, check=False)

    assert hook().returncode == 0, hook().stdout
    (project / "pyproject.toml").write_text(POLICY.replace("relevant", "relvant"))
    git(project, "add", ".")
    refused = hook()
    assert refused.returncode == 1
    assert "pyproject.toml:5: [tool.tbp] has no key relvant" in refused.stdout


def test_a_hostile_file_acts_in_no_terminal(project: Path, run: Run):
    (project / "asv.conf.json").write_text(CONFIG.replace("{", '{"benchmark_dir": "\\u001b[31m\\n::error::x",', 1))
    code, out, _ = run("check")
    assert (code, "\x1b" in out, "\n::error" in out, out.count("\n")) == (2, False, False, 2)
