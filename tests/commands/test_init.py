"""``tbp init`` in real git repositories."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tbp import __version__
from tbp.project.asv_config import read_config
from tbp.project.policy import read_policy

from ..command_line import Run
from ..repositories import commit, git, new_repository

LIBRARY = {
    "src/lib/__init__.py": "from lib.text import slug\n",
    "src/lib/text.py": "def slug(text):\n    return '-'.join(word for word in text.split())\n",
    "pyproject.toml": '[project]\nname = "lib"\n',
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed library, which is the current folder."""
    folder = new_repository(tmp_path / "repository")
    commit(folder, files=LIBRARY)
    monkeypatch.chdir(folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    names = git(folder, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    return {name: (folder / name).read_text() for name in names}


def test_it_writes_what_is_missing_and_a_second_time_nothing(library: Path, run: Run):
    before = contents(library)
    code, out, err = run("init", "--no-run")
    assert code == 0
    after = contents(library)
    assert set(after) - set(before) == {".gitignore", "asv.conf.json", "benchmarks/__init__.py", "benchmarks/slug.py"}
    assert after["pyproject.toml"].startswith(before["pyproject.toml"])
    assert read_policy(library / "pyproject.toml").paired_budget == 10
    assert read_config(library / "asv.conf.json").branches == ("main",)
    assert "new      benchmarks/slug.py: times lib.text.slug" in out
    assert "tbp gate HEAD ." in out
    code, out, err = run("init", "--no-run")
    assert (code, contents(library)) == (0, after)
    assert "nothing to write" in out
    assert "asv is set up already" in err


@pytest.mark.parametrize(
    ("source", "requirement", "warned"),
    [
        ("", f"tbp-perf=={__version__}", False),
        ('{"url": "file:///tbp", "dir_info": {}}', f"tbp-perf=={__version__}", True),
        (
            '{"url": "https://host.org/a/tbp", "vcs_info": {"vcs": "git", "commit_id": "%s"}}' % ("a" * 40),
            f"tbp-perf @ git+https://host.org/a/tbp@{'a' * 40}",
            False,
        ),
    ],
)
def test_workflows_install_the_tbp_that_wrote_them(
    library: Path,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    requirement: str,
    warned: bool,
):
    installed = tmp_path / "site" / "tbp_perf-9.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Name: tbp-perf\n")
    if source:
        (installed / "direct_url.json").write_text(source)
    monkeypatch.syspath_prepend(str(installed.parent))
    _, _, err = run("init", "--no-run", "--github")
    text = (library / ".github/workflows/tbp-comment.yml").read_text()
    is_built = requirement.startswith("tbp-perf @")
    assert (f"      {requirement}\n" in text) is not is_built
    assert (f"pip install --no-deps --no-build-isolation '{requirement}'" in text) is is_built
    assert ("      hatchling==" in text) is is_built
    assert ("see that it is tbp there" in err) is warned


@pytest.mark.parametrize("link", ["benchmarks", ".gitignore", ".github"])
def test_a_link_out_of_the_repository_is_not_written_through(library: Path, run: Run, tmp_path: Path, link: str):
    outside = tmp_path / "outside"
    if link != ".gitignore":
        outside.mkdir()
    (library / link).symlink_to(outside)
    code, _, err = run("init", "--no-run", "--github")
    assert code == 2
    assert "is a link out of the repository" in err
    assert not outside.exists() if link == ".gitignore" else list(outside.iterdir()) == []
    assert not (library / "asv.conf.json").exists()


def test_a_dry_run_writes_nothing_and_its_difference_can_be_applied(library: Path, run: Run, tmp_path: Path):
    before = contents(library)
    code, out, _ = run("init", "--no-run", "--dry-run", "--github")
    assert (code, contents(library)) == (0, before)
    (tmp_path / "difference").write_text(out.replace("--- /dev/null\n+++ b/benchmarks/__init__.py\n", ""))
    git(library, "apply", str(tmp_path / "difference"))
    applied = contents(library)
    git(library, "checkout", "-q", ".")
    git(library, "clean", "-fdq")
    run("init", "--no-run", "--github")
    assert contents(library) == applied | {"benchmarks/__init__.py": ""}


def test_a_file_that_differs_is_kept_unless_it_is_forced(library: Path, run: Run):
    run("init", "--no-run", "--github")
    gate = library / ".github" / "workflows" / "tbp-gate.yml"
    original = gate.read_text()
    gate.write_text("ours: 1\n")
    code, _, err = run("init", "--no-run", "--github")
    assert (code, gate.read_text()) == (0, "ours: 1\n")
    assert "tbp-gate.yml is kept, as it differs" in err
    run("init", "--no-run", "--github", "--force")
    assert gate.read_text() == original


def test_an_asv_project_keeps_its_suites(library: Path, run: Run):
    config = '{"version": 1, "repo": ".", "benchmark_dir": "perf"} // ours\n'
    (library / "asv.conf.jsonc").write_text(config)
    (library / "perf").mkdir()
    (library / "perf" / "suite.py").write_text("def time_x(): pass\ndef track_speed(): return 1\n")
    code, _, err = run("init", "--gitlab")
    assert code == 0
    changed = set(git(library, "status", "--short", "-uall").replace(" M ", "").replace("?? ", "").split())
    assert changed - {"M"} == {
        ".gitignore", "pyproject.toml", ".gitlab/tbp.yml", ".gitlab-ci.yml", "asv.conf.jsonc", "perf/suite.py",
    }  # fmt: skip
    assert (library / "asv.conf.jsonc").read_text() == config
    assert "say of track_speed which is better" in err


def test_a_folder_of_pytest_benchmarks_is_left_to_pytest(library: Path, run: Run):
    (library / "benchmarks").mkdir()
    (library / "benchmarks" / "test_slug.py").write_text("def test_slug(benchmark): benchmark(len, 'a')\n")
    run("init", "--no-run")
    assert read_config(library / "asv.conf.json").benchmark_dir == "asv_benchmarks"
    assert (library / "asv_benchmarks" / "slug.py").exists()


def test_the_branch_is_that_of_origin_whatever_is_checked_out(
    library: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    git(library, "branch", "-m", "trunk")
    git(tmp_path, "clone", "-q", str(library), "clone")
    clone = tmp_path / "clone"
    git(clone, "checkout", "-q", "--detach")
    monkeypatch.chdir(clone)
    code, _, err = run("init", "--no-run")
    assert code == 0
    assert read_config(clone / "asv.conf.json").branches == ("trunk",)
    assert "HEAD is on no branch: the series follow trunk" in err


def test_a_project_in_a_sub_folder(library: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    (library / "packages").mkdir()
    git(library, "mv", "src", "pyproject.toml", "packages/")
    git(library, "commit", "-qm", "move")
    assert run("init", "--no-run")[0] == 2
    monkeypatch.chdir(library / "packages")
    assert run("init", "--no-run", "--github")[0] == 0
    config = read_config(library / "packages" / "asv.conf.json")
    assert config.local_repository.resolve() == library.resolve()
    assert 'working-directory: "packages"' in (library / ".github" / "workflows" / "tbp-gate.yml").read_text()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ("", "is in no git repository"),
        ("git init -q", "has no commit yet"),
        ("git init -q --bare", "has no working tree"),
        ("git init -q && git -c user.name=x -c user.email=x commit -q --allow-empty -m x", "has no Python package"),
    ],
)
def test_what_cannot_be_set_up_says_what_to_do(
    make: str, message: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    subprocess.run(["bash", "-c", make], check=True)
    code, out, err = run("init", "--yes")
    assert (code, out) == (2, "")
    assert message in err
    assert "run `" in err


def test_a_folder_in_the_way_is_named_and_nothing_is_lost(library: Path, run: Run):
    (library / "asv.conf.json").mkdir()
    code, _, err = run("init", "--no-run")
    assert code == 2
    assert "asv.conf.json" in err


def test_a_package_that_cannot_be_imported_says_so_and_writes_nothing(library: Path, run: Run):
    (library / "src" / "lib" / "__init__.py").write_text("import sys\nprint('x')\nimport a_dependency_of_lib\n")
    code, out, err = run("init", "--yes")
    assert (code, out) == (2, "")
    assert "No module named 'a_dependency_of_lib'; install your dependencies beside tbp" in err
    assert not (library / "asv.conf.json").exists()


def test_names_that_act_stay_text(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    folder = new_repository(tmp_path / "r", branch='a"b')
    commit(folder, files=LIBRARY | {"pyproject.toml": '[project]\nname = "x\\"\\n]}\\u001b[31m"\n'})
    (folder / "src" / "lib\nimport os").mkdir()
    monkeypatch.chdir(folder)
    assert run("init", "--no-run")[0] == 0
    values = json.loads((folder / "asv.conf.json").read_text())
    assert (values["project"], values["branches"]) == ("lib", ['a"b'])
    assert run("init", "--no-run", "--github")[0] == 0
    workflows = [path.read_text() for path in (folder / ".github" / "workflows").iterdir()]
    assert len(workflows) == 3
    assert not any('a"b' in text for text in workflows)


# The whole way of a newcomer, in a process: a trial, asv's environment, and a result in the end.
@pytest.mark.slow
def test_the_first_benchmark_is_measured(library: Path):
    arguments = ["init", "--callable", "lib:slug('a b' * 9)"]
    done = subprocess.run([sys.executable, "-P", "-m", "tbp", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "measured slug.time_slug: " in done.stdout
    assert "    slug('a b' * 9)\n" in (library / "benchmarks" / "slug.py").read_text()
    (result,) = (library / ".asv" / "results").glob("*/*-*.json")
    assert "slug.time_slug" in json.loads(result.read_text())["results"]


def test_a_configuration_below_the_folder_is_the_project_s(library: Path, run: Run):
    (library / "asv_bench" / "benchmarks").mkdir(parents=True)
    (library / "asv_bench" / "asv.conf.json").write_text('{"version": 1, "repo": ".."}')
    (library / "asv_bench" / "benchmarks" / "x.py").write_text("def time_x(): pass\n")
    (library / "tests").mkdir()
    (library / "tests" / "asv.conf.json").write_text("data of a test")
    code, out, err = run("init", "--no-run")
    assert code == 0
    assert "asv is set up already (asv_bench/asv.conf.json)" in err
    assert "cd asv_bench && tbp nightly" in out
    assert not (library / "asv.conf.json").exists()
