"""The configuration of asv: what is read of it, and what cannot be meant."""

import json
from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.project.asv_config import read_config


def written(folder: Path, text: str) -> Path:
    path = folder / "asv.conf.json"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"version": 1,, }', r"unexpected ' ' in line 1, column 16 \(is a comma, quote or bracket missing before"),
        ('{"version": 1', "unexpected end of input in line 1"),
        ("[]", "must hold a JSON object"),
        ('{"results_dir": 3}', "results_dir must be a string"),
        ('{"branches": "main"}', "branches must be a list"),
    ],
)
def test_an_unreadable_configuration_says_where_and_what(tmp_path: Path, text: str, words: str):
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=words):
        read_config(path)


def test_a_configuration_has_comments_and_trailing_commas(tmp_path: Path):
    path = written(
        tmp_path, '{ // a comment\n "project": "a // b", /* and\n another */ "repo": ".", "branches": ["x",],\n}'
    )
    config = read_config(path)
    assert (config.project, config.branches, config.repository) == ("a // b", ("x",), tmp_path)
    assert config.results_dir == tmp_path / "results"


@pytest.mark.parametrize(
    "text",
    [
        "{version: 1, project: 'p q', repo: '.', branches: ['main', \"1.x\"],}",
        '\ufeff{"version": 1, "project": "p q", "repo": ".", "branches": ["main", "1.x"]}',
        '{"project": "p \\\nq", "branches": [\'main\', /* dev */ "1.x"], // end\n}',
        "{project: 'p\\x20q', branches: ['main', '1.x'], install_timeout: +.5e3, hash_length: 0x8}",
    ],
)
def test_a_configuration_is_json5(tmp_path: Path, text: str):
    path = written(tmp_path, text)
    config = read_config(path)
    assert (config.project, config.branches) == ("p q", ("main", "1.x"))


@pytest.mark.parametrize("branches", ["", ', "branches": null', ', "branches": []', ', "branches": [null]'])
def test_without_branches_it_is_the_default_one(tmp_path: Path, branches: str):
    path = written(tmp_path, '{"repo": "."' + branches + "}")
    assert read_config(path).branch == ""


def test_the_command_lines_branch_takes_the_place_of_the_first(tmp_path: Path):
    path = written(tmp_path, '{"repo": ".", "branches": ["main"]}')
    assert read_config(path, "1.x").branch == "1.x"
    path.write_text('{"repo": "https://example.org/a.git"}')
    with pytest.raises(UsageError, match="needs a local clone"):
        read_config(path, "1.x")


def test_a_configuration_may_be_called_jsonc_and_two_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "asv.conf.jsonc"
    path.write_text("{ // mine\n project: 'p'}")
    assert read_config().project == "p"
    (tmp_path / "asv.conf.json").write_text("{}")
    with pytest.raises(UsageError, match="name one with --config"):
        read_config()


@pytest.mark.parametrize("repo", ["https://example.org/a.git", "git@example.org:a.git", "ssh://example.org/a"])
def test_an_address_is_no_repository_to_read(tmp_path: Path, repo: str):
    path = written(tmp_path, json.dumps({"repo": repo, "show_commit_url": "javascript:alert(1)"}))
    config = read_config(path)
    assert (config.repository, config.commit_url) == (None, "")
