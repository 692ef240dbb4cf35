"""The package of a project by its folders and files, without importing any."""

from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.scaffold.package import package_of


def project(folder: Path, *paths: str, **texts: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    for name, text in texts.items():
        (folder / name.replace("_", ".", 1)).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("paths", "name", "source"),
    [
        (["yours/__init__.py", "tests/__init__.py", "setup.py"], "yours", "."),
        (["src/yours/__init__.py", "docs/conf.py"], "yours", "src"),
        (["yours.py", "setup.py", "conftest.py"], "yours", "."),
        (["src/org/yours/__init__.py"], "org.yours", "src"),
        (["src/main.c", "yours/__init__.py"], "yours", "."),  # the sources of something else
    ],
)
def test_layouts(tmp_path: Path, paths: list[str], name: str, source: str):
    package = package_of(project(tmp_path, *paths), tmp_path)
    assert (package.name, package.source) == (name, (tmp_path / source).resolve())


@pytest.mark.parametrize(
    "pyproject",
    [
        '[project]\nname = "Yours-Lib"\n',
        '[tool.poetry]\nname = "x"\npackages = [{ include = "yours_lib" }]\n',
        '[tool.hatch.build.targets.wheel]\npackages = ["yours_lib"]\n',
        '[tool.flit.module]\nname = "yours_lib"\n',
        '[tool.setuptools]\npackages = ["yours_lib"]\n',
    ],
)
def test_of_several_the_project_says_which(tmp_path: Path, pyproject: str):
    project(tmp_path, "aaa/__init__.py", "yours_lib/__init__.py", pyproject_toml=pyproject)
    (tmp_path / "aaa" / "large.py").write_text("x = 1\n" * 1000)
    package = package_of(tmp_path, tmp_path)
    assert (package.name, package.neighbours) == ("yours_lib", ("aaa",))


def test_without_a_word_the_largest_is_taken(tmp_path: Path):
    project(tmp_path, "aaa/__init__.py", "bbb/__init__.py")
    (tmp_path / "bbb" / "large.py").write_text("x = 1\n")
    assert package_of(tmp_path, tmp_path).name == "bbb"


def test_compiled_parts_and_torch_are_seen(tmp_path: Path):
    package = package_of(project(tmp_path, "yours/__init__.py", "yours/fast.pyx"), tmp_path)
    assert (package.is_compiled, package.uses_torch) == (True, False)
    (tmp_path / "yours" / "fast.pyx").unlink()
    (tmp_path / "yours" / "net.py").write_text("if True:\n    from torch import nn\n")
    package = package_of(tmp_path, tmp_path)
    assert (package.is_compiled, package.uses_torch) == (False, True)


def test_without_a_package_the_message_names_folders_that_have_one(tmp_path: Path):
    project(tmp_path, "libs/a/pyproject.toml", "tests/__init__.py", "docs/conf.py")
    with pytest.raises(UsageError, match=r"run `tbp init` in the folder of one: libs/a$"):
        package_of(tmp_path, tmp_path)
    with pytest.raises(UsageError, match="A package is a folder with an"):
        package_of(tmp_path / "libs" / "a", tmp_path)
