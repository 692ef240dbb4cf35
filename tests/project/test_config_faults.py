"""Faults of a configuration: values that asv refuses or ignores, and names of folders and branches that are missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from tbp.project.asv_config import read_config
from tbp.project.config_faults import ASV_KEYS, config_faults, config_hints

from ..repositories import commit, git, new_repository
from ..result_folders import ASV_CONFIG


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = new_repository(tmp_path / "project")
    commit(folder, files={"benchmarks/__init__.py": ""})
    return folder


def faults(folder: Path, *without: str, **values: Any) -> list[str]:
    content = {key: value for key, value in (ASV_CONFIG | values).items() if key not in without}
    (folder / "asv.conf.json").write_text(json.dumps(content))
    return [text for _, text in config_faults(read_config(folder / "asv.conf.json"))]


def test_the_keys_are_those_that_asv_reads():
    keys = vars(pytest.importorskip("asv.config").Config()).keys()
    # No attributes: the version, two sizes of a cache, and in asv 0.6.5 the last.
    assert set(ASV_KEYS) - keys - {"version", "build_cache_size", "wheel_cache_size", "launch_method"} == set()
    assert keys - set(ASV_KEYS) == set()


@pytest.mark.parametrize("key", ["version", "repo", "environment_type"])
def test_asv_refuses_a_file_without_a_key(project: Path, key: str):
    (fault,) = faults(project, key)
    assert fault.startswith(f"{key}: asv ")
    assert faults(project) == []
    if key == "environment_type":
        assert faults(project, key, pythons=["same"]) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"plugins": []}, 'plugins: asv has the environment_type tbp from a plugin; add ".tbp.asv.environment"'),
        ({"plugins": ["tbp.asv.environment"], "environment_type": "tbp:3.11"}, "with its first dot"),
        ({"plugins": ".tbp.asv.environment"}, "plugins: it must be a list"),
        ({"branches": []}, "branches: asv refuses an empty list"),
        ({"branches": ["main", "nowhere"]}, "branches: the repository has no branch nowhere; it has main"),
        ({"benchmark_dir": "."}, "benchmark_dir: . has no __init__.py, and asv refuses it; make an empty one"),
        ({"repo": "/"}, "repo: / is in no git repository; name that of the clone, or run `git init` there"),
        ({"benchmarks_dir": "x"}, "asv knows no key benchmarks_dir, and ignores it; did you mean benchmark_dir?"),
    ],
)
def test_a_fault_is_a_sentence_with_its_remedy(project: Path, values: dict[str, Any], words: str):
    (fault,) = faults(project, **values)
    assert words in fault


def test_a_branch_may_be_a_tag_and_a_clone_of_a_job_may_lack_it(project: Path):
    git(project, "tag", "v1")
    assert faults(project, branches=["v1", None, "HEAD"]) == []
    commit(project, "two")
    clone = project.with_name("clone")
    git(project, "clone", "-q", "--depth", "1", project.as_uri(), str(clone))
    assert faults(clone, branches=["dev"]) == []
    git(clone, "fetch", "-q", "--unshallow")
    assert len(faults(clone, branches=["dev"])) == 1


def test_a_key_that_is_like_none_of_asv_is_a_hint(project: Path):
    assert faults(project, project_name="x") == []
    (hint,) = config_hints(read_config(project / "asv.conf.json"))
    assert hint.startswith("asv.conf.json has project_name, which asv ignores")
