"""The name and version that a checkout gives itself, and ``importlib.metadata`` on what is written of it."""

from importlib.metadata import distributions
from pathlib import Path

import pytest

from tbp.asv.project_metadata import name_and_version, write_metadata

COMMIT = "0123456789abcdef"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": '[project]\nname = "My.Pkg"\nversion = "1.2rc1"\n'}, ("My.Pkg", "1.2rc1")),
        ({"pyproject.toml": '[project]\nname = "a"\ndynamic = ["version"]\n'}, ("a", "0+g01234567")),
        ({"pyproject.toml": '[tool.poetry]\nname = "a"\nversion = "3"\n'}, ("a", "3")),
        ({"setup.cfg": "[metadata]\nname = a-b\nversion = attr: a.__version__\n"}, ("a-b", "0+g01234567")),
        ({"setup.cfg": "[metadata]\nname = a\nversion = 0.1\n", "pyproject.toml": "[build-system]\n"}, ("a", "0.1")),
        ({"setup.py": "import setuptools\nsetuptools.setup(name='a', version='2')\n"}, ("a", "2")),
        ({"setup.py": "from setuptools import setup\nsetup(name='a', version=read())\n"}, ("a", "0+g01234567")),
        ({"setup.py": "from setuptools import setup\nsetup()\n"}, ("", "0+g01234567")),
        ({"pyproject.toml": "[project\n", "setup.cfg": "[metadata]\nname = a\nversion = 1\n"}, ("a", "1")),
        ({"pyproject.toml": '[project]\nname = "../out"\nversion = "1"\n'}, ("", "1")),
        ({"pyproject.toml": '[project]\nname = 3\nversion = "1\\nName: b"\n'}, ("", "0+g01234567")),
        ({}, ("", "0+g01234567")),
    ],
)
def test_a_project_is_called_what_its_files_say(files: dict[str, str], expected: tuple[str, str], tmp_path: Path):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert name_and_version(tmp_path, COMMIT) == expected


def test_what_is_written_is_found_by_its_name(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "My-Own.Pkg"\nversion = "1.2"\n')
    write_metadata(tmp_path, COMMIT, tmp_path / "subject")
    (found,) = distributions(name="my_own-pkg", path=[str(tmp_path / "subject")])
    assert (found.metadata["Name"], found.version) == ("My-Own.Pkg", "1.2")


def test_the_version_of_a_commit_is_no_circumstance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tbp.bench.surroundings import packages

    (tmp_path / "setup.cfg").write_text("[metadata]\nname = somebodys-package\nversion = 1.2\n")
    write_metadata(tmp_path, COMMIT, tmp_path / "subject")
    monkeypatch.syspath_prepend(str(tmp_path / "subject"))
    assert "somebodys" not in packages()


def test_a_project_without_a_name_leaves_nothing(tmp_path: Path):
    write_metadata(tmp_path, COMMIT, tmp_path / "subject")
    assert list(tmp_path.iterdir()) == []
