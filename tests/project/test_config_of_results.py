"""The configuration that a folder of results belongs to."""

import json
import os
from pathlib import Path

import pytest

from tbp.project.asv_config import is_same_folder
from tbp.project.config_of_results import ConfigOfResults, config_of_results


def config(folder: Path, results_dir: str, name: str = "asv.conf.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"repo": ".", "results_dir": results_dir}))
    return folder / name


def results(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("place", "results_dir"),
    [("p", ".asv/results"), ("p/.asv", "results"), ("p/.asv/results", "."), (".", "p/.asv/results")],
)
@pytest.mark.parametrize("name", ["asv.conf.json", "asv.conf.jsonc"])
def test_it_is_in_beside_or_above_the_folder(tmp_path: Path, place: str, results_dir: str, name: str) -> None:
    folder = results(tmp_path / "p" / ".asv" / "results")
    path = config(tmp_path / place, results_dir, name)
    assert config_of_results(folder) == ConfigOfResults(path)


def test_the_nearest_one_with_these_results_is_it(tmp_path: Path) -> None:
    folder = results(tmp_path / "p" / "sub" / "results")
    config(tmp_path / "p" / "sub", "elsewhere")
    path = config(tmp_path / "p", "sub/results")
    config(tmp_path, "p/sub/results")
    assert config_of_results(folder).path == path


def test_of_two_names_in_a_folder_the_one_with_these_results_is_it(tmp_path: Path) -> None:
    folder = results(tmp_path / "results")
    config(tmp_path, "elsewhere")
    path = config(tmp_path, "results", "asv.conf.jsonc")
    assert config_of_results(folder).path == path


@pytest.mark.parametrize("results_dir", ["results", "elsewhere", "../results"])
def test_without_one_that_has_these_results_there_is_none(tmp_path: Path, results_dir: str) -> None:
    folder = results(tmp_path / "data" / "results")
    config(tmp_path, results_dir)
    assert config_of_results(folder) == ConfigOfResults()


def test_the_search_ends_with_the_repository(tmp_path: Path) -> None:
    folder = results(tmp_path / "p" / "results")
    config(tmp_path, "p/results")
    assert config_of_results(folder).path == tmp_path / "asv.conf.json"
    (tmp_path / "p" / ".git").mkdir()
    assert config_of_results(folder).path is None
    path = config(tmp_path / "p", "results")  # beside .git it is the repository's own
    assert config_of_results(folder).path == path


def test_a_relative_path_and_links_lead_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = results(tmp_path / "p" / "results")
    path = config(tmp_path / "p", "results")
    monkeypatch.chdir(folder)
    assert config_of_results(Path()).path == path
    monkeypatch.chdir(tmp_path)
    assert config_of_results(Path("p/../p/results/")).path == path
    (tmp_path / "link").symlink_to(folder)
    assert config_of_results(tmp_path / "link").path == path
    assert is_same_folder(Path("link"), folder)


def test_results_behind_a_link_of_the_project_are_its_own(tmp_path: Path) -> None:
    disk = results(tmp_path / "disk" / "results")
    path = config(tmp_path / "p", "results")
    (tmp_path / "p" / "results").symlink_to(disk)
    assert config_of_results(tmp_path / "p" / "results").path == path
    assert config_of_results(disk).path is None


@pytest.mark.parametrize("text", ["{", "[]", '{"results_dir": 3}', "\0", '{"branches": 1}', "x" * 2_000_000])
def test_one_that_cannot_be_read_is_told_and_passed_over(tmp_path: Path, text: str) -> None:
    folder = results(tmp_path / "p" / "results")
    (tmp_path / "p" / "asv.conf.json").write_text(text)
    path = config(tmp_path, "p/results")
    known = config_of_results(folder)
    assert (known.path, len(known.notes)) == (path, 1)
    assert str(tmp_path / "p" / "asv.conf.json") in known.notes[0]


def test_that_of_somebody_else_is_passed_over(tmp_path: Path) -> None:
    """In a folder like /tmp anybody may lay a configuration above the results of others."""
    folder = results(tmp_path / "results")
    path = config(tmp_path, "results")
    if os.getuid():
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, 12345)
    assert config_of_results(folder).path is None
    os.chown(folder, 12345, 12345)
    assert config_of_results(folder).path == path


@pytest.mark.parametrize("name", ["nowhere", "a\0b", "loop"])
def test_a_folder_that_is_none_has_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert config_of_results(tmp_path / name).path is None
