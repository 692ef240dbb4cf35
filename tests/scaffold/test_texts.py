"""The texts that files get: nothing that is there is rewritten, and no name breaks out of its line."""

import json
import subprocess
from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.scaffold.package import SourcePackage
from tbp.scaffold.suites import checked_arguments, named_candidate, suites_of
from tbp.scaffold.surroundings import Surroundings
from tbp.scaffold.texts import configuration_text, with_ignored, with_policy
from tbp.scaffold.workflows import Workflows, filled, in_folder, workflow_files

HERE = Path("/repository")


def around(folder: str = ".", branch: str = "main", web: str = "") -> Surroundings:
    return Surroundings(HERE / folder, HERE, branch, "a" * 40, web)


def test_the_configuration_of_a_project_at_the_top():
    package = SourcePackage("lib", HERE / "lib", HERE, distribution="Lib")
    values = json.loads(configuration_text(around(web="https://github.com/a/b"), package, "benchmarks", False))
    assert values == {
        "version": 1, "project": "Lib", "repo": ".", "branches": ["main"],
        "show_commit_url": "https://github.com/a/b/commit/", "plugins": [".tbp.asv.environment"],
        "environment_type": "tbp", "benchmark_dir": "benchmarks", "env_dir": ".asv/env",
        "results_dir": ".asv/results", "html_dir": ".asv/html",
    }  # fmt: skip


def test_the_configuration_of_a_compiled_project_in_a_sub_folder():
    package = SourcePackage("lib", HERE / "a/b/lib", HERE / "a/b", is_compiled=True)
    text = configuration_text(around("a/b", 'x"y', "https://gitlab.com/a/b"), package, "asv_benchmarks", False)
    values = json.loads(text)
    assert (values["repo"], values["repo_subdir"], values["branches"]) == ("../..", "a/b", ['x"y'])
    assert (values["environment_type"], "plugins" in values) == ("virtualenv", False)
    assert values["show_commit_url"] == "https://gitlab.com/a/b/-/commit/"


def test_the_policy_is_added_behind_what_is_there():
    text = '# ours\r\n[project]\r\nname = "x" # really\r\n[tool.ruff]\r\nline-length = 90'
    added = with_policy(text, Path("pyproject.toml"))
    assert added.startswith(text + "\r\n\r\n[tool.tbp] #")
    assert "\n" not in added.replace("\r\n", "")
    assert with_policy(added, Path("pyproject.toml")) == added


@pytest.mark.parametrize("text", ["tool = { ruff = { x = 1 } }\n", "[project\n"])
def test_a_file_that_cannot_take_the_policy_is_left(text: str):
    with pytest.raises(UsageError, match="cannot add"):
        with_policy(text, Path("pyproject.toml"))


def test_ignored_folders_are_added_once():
    assert with_ignored("", [".asv/", "x/"]) == "# what asv and tbp make\n.asv/\nx/\n"
    assert with_ignored("/.asv\n*.pyc", [".asv/", "x/"]) == "/.asv\n*.pyc\n\n# what asv and tbp make\nx/\n"
    assert with_ignored(".asv/\nx", [".asv/", "x/"]) == ".asv/\nx"


@pytest.mark.parametrize("text", ["1)\nimport os", "1); f(2", "*", ") + g(", "x for"])
def test_arguments_that_are_none_are_refused(text: str):
    with pytest.raises(UsageError, match="the arguments"):
        checked_arguments(text)


def test_arguments_are_written_as_python_reads_them():
    assert checked_arguments("'a', n = 1, *b") == "'a', *b, n=1"


def test_a_callable_is_found_by_either_spelling_and_at_the_top():
    from tbp.scaffold.candidates import Candidate

    known = [Candidate("lib.core", "slug", None)]
    for spelled in ("lib.core:slug('a')", "lib.core.slug('a')", "lib:slug('a')"):
        assert named_candidate(spelled, known) == Candidate("lib.core", "slug", "'a'")
    with pytest.raises(UsageError, match="needs arguments that tbp cannot guess"):
        named_candidate("lib.core:slug", known)
    with pytest.raises(UsageError, match="there are lib"):
        named_candidate("lib.core:other", known)


def test_a_plain_suite_takes_the_values_of_an_iterator():
    from tbp.scaffold.candidates import Candidate

    plain, lazy = suites_of(Candidate("lib.core", "chunks", "NUMBERS, 10"), is_ruler_there=False)
    assert plain.text.endswith("\n\nNUMBERS = list(range(1_000))\n\n\ndef time_chunks():\n    chunks(NUMBERS, 10)\n")
    assert "    deque(chunks(NUMBERS, 10), maxlen=0)" in lazy.text
    assert (plain.file, plain.benchmark) == ("chunks.py", "chunks.time_chunks")


def test_the_jobs_of_a_sub_folder_run_there(tmp_path: Path):
    template = tmp_path / "x.yml"
    with_checkout = "  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@1\n          path: out/x.*\n"
    without_checkout = "  b:\n    steps:\n          path: y\n"
    template.write_text(f"on: @BRANCH@\njobs:\n{with_checkout}{without_checkout}")
    text = filled(template, {"BRANCH": '"main"'})
    assert in_folder(text, ".") == text
    assert in_folder(text, "a/b") == (
        'on: "main"\njobs:\n  a:\n    runs-on: x\n    defaults:\n      run:\n        working-directory: "a/b"\n'
        f'    steps:\n      - uses: actions/checkout@1\n          path: "a/b/out/x.*"\n{without_checkout}'
    )


@pytest.mark.parametrize("folder", ["sub folder", "bänch/\U00010400", "-x", "a,b@c"])
def test_a_job_of_gitlab_begins_in_its_folder_whatever_that_is_called(folder: str, tmp_path: Path):
    yaml = pytest.importorskip("yaml")
    (tmp_path / folder).mkdir(parents=True)
    proposals = workflow_files(around(folder), None, Workflows(gitlab=True), HERE / folder)
    jobs = yaml.safe_load(next(each.text("") for each in proposals if each.path.name == "tbp.yml"))
    for job in (".tbp", ".tbp-with-token"):
        script = f"{jobs[job]['before_script'][0]} && pwd -P"
        done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str((tmp_path / folder).resolve())
    assert jobs["tbp-nightly"]["cache"]["paths"] == [f"{folder}/.asv/results"]


def test_a_folder_whose_name_a_shell_could_read_is_in_no_workflow():
    for folder in ("it's", "$(rm x)", "a:b", "a#b"):
        with pytest.raises(UsageError, match="rename it"):
            workflow_files(around(folder), None, Workflows(gitlab=True), HERE / folder)
