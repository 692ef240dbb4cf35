"""The importable package of a project, as its folders and its pyproject.toml, setup.cfg or setup.py have it.

Nothing is imported or built. What is called as the distribution comes first, then what the build is told to pack, then
the largest. Folders of tests, documentation and the like are no packages to measure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from tbp.asv.project_metadata import name_and_version, table_in
from tbp.errors import UsageError
from tbp.project.directions import set_of
from tbp.project.toml_file import read_toml
from tbp.system.bounded import read_plain
from tbp.wording.words import named

MOST_FILES = 2_000  # of a package that are read; enough for torch's own Python code
MOST_BYTES = 1_000_000  # of a file of source
_NO_PACKAGE = set_of(
    "test tests testing doc docs example examples sample samples demo demos benchmark benchmarks asv_benchmarks "
    "asv_bench bench script scripts tool tools build dist env venv node_modules notebook notebooks ci site reports "
    "setup conftest noxfile tasks fabfile versioneer ez_setup dodo hatch_build _custom_build"
)
_TORCH = re.compile(rb"^\s*(?:import|from)\s+torch\b", re.MULTILINE)
_COMPILED_ENDS = (".pyx", ".c", ".cc", ".cpp", ".cxx", ".cu", ".rs", ".f90")
_COMPILED_BUILD = re.compile(
    rb"ext_modules|rust_extensions|cythonize|mesonpy|scikit_build|scikit-build|maturin|setuptools.rust|pybind11|nanobind"
)


class SourcePackage(Struct, frozen=True):
    """A package, or a module of one file, that can be imported from ``source``."""

    name: str  # as it is imported; with a dot in a namespace
    path: Path  # its folder, or its file
    source: Path  # the folder that it is imported from: the project's, or src in it
    distribution: str = ""  # as the project calls itself; empty where it does not
    neighbours: tuple[str, ...] = ()  # other packages of the project
    is_compiled: bool = False  # a checkout cannot be imported as it is
    uses_torch: bool = False

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Each module's name and source, the shallowest first."""
        if self.path.is_file():
            yield self.name, _read(self.path)
            return
        paths = sorted(self.path.rglob("*.py"), key=lambda path: (len(path.parts), path))
        for path in paths[:MOST_FILES]:
            parts = path.relative_to(self.path).with_suffix("").parts
            names = parts[:-1] if parts[-1] == "__init__" else parts
            if all(map(str.isidentifier, names)) and not _NO_PACKAGE & set(names):
                yield ".".join((self.name, *names)), _read(path)


def package_of(folder: Path, top: Path) -> SourcePackage:
    """The package of the project in ``folder``.

    Raises:
        UsageError: there is none; the message names folders that have one.
    """
    source = folder / "src" if (folder / "src").is_dir() and not (folder / "src" / "__init__.py").exists() else folder
    paths = dict(_importable(source)) or (dict(_importable(folder)) if source != folder else {})
    if not paths:
        raise UsageError(_no_package(folder, top))
    if source != folder and not dict(_importable(source)):
        source = folder
    distribution, _ = name_and_version(folder, "")
    name = min(paths, key=lambda name: _rank(name, paths[name], distribution, _packed(folder)))
    package = SourcePackage(name, paths[name], source, distribution, tuple(sorted(set(paths) - {name})))
    return SourcePackage(
        name, package.path, source, distribution, package.neighbours,
        is_compiled=_is_compiled(folder, package.path),
        uses_torch=any(_TORCH.search(text) for _, text in package.files()),
    )  # fmt: skip


def _importable(source: Path) -> Iterator[tuple[str, Path]]:
    """Packages and modules directly in ``source``, and packages of namespaces, which have no file of their own."""
    for path in sorted(source.iterdir()):
        name = path.stem if path.suffix == ".py" else path.name
        if not name.isidentifier() or name.startswith(("_", "test_")) or name.lower() in _NO_PACKAGE:
            continue
        if path.suffix == ".py" or (path / "__init__.py").is_file():
            yield name, path
        elif path.is_dir():
            for inner in sorted(path.iterdir()):
                if inner.name.isidentifier() and (inner / "__init__.py").is_file() and name not in _NO_PACKAGE:
                    yield f"{name}.{inner.name}", inner


def _rank(name: str, path: Path, distribution: str, packed: frozenset[str]) -> tuple[object, ...]:
    is_named = _plain(name) in (_plain(distribution), _plain(distribution).removeprefix("python"))
    size = path.stat().st_size if path.is_file() else sum(each.stat().st_size for each in path.rglob("*.py"))
    return not is_named, name not in packed, path.is_file(), -size, name


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "", name).lower()


def _packed(folder: Path) -> frozenset[str]:
    """Names of packages that the build is told to pack, by hatch, poetry, flit or setuptools."""
    tools = table_in(read_toml(folder / "pyproject.toml") or {}, "tool")
    setuptools, poetry = table_in(tools, "setuptools"), table_in(tools, "poetry")
    wheel = table_in(table_in(table_in(table_in(tools, "hatch"), "build"), "targets"), "wheel")
    listed = [
        table_in(table_in(tools, "flit"), "module").get("name"),
        *_list(wheel, "packages"), *_list(setuptools, "packages"), *_list(setuptools, "py-modules"),
        *(each.get("include") for each in _list(poetry, "packages") if isinstance(each, dict)),
    ]  # fmt: skip
    return frozenset(name.removeprefix("src/").replace("/", ".") for name in listed if isinstance(name, str))


def _list(values: Mapping[str, object], key: str) -> list[object]:
    listed = values.get(key)
    return listed if isinstance(listed, list) else []


def _is_compiled(folder: Path, path: Path) -> bool:
    builds = (_read(folder / name) for name in ("pyproject.toml", "setup.py", "setup.cfg"))
    if any(_COMPILED_BUILD.search(text) for text in builds):
        return True
    return path.is_dir() and any(inner.suffix in _COMPILED_ENDS for inner in path.rglob("*"))


def _read(path: Path) -> bytes:
    """The content of a file; empty where it cannot be read or is very large."""
    with suppress(OSError):
        return read_plain(path, MOST_BYTES)
    return b""


def _no_package(folder: Path, top: Path) -> str:
    projects = sorted(
        {
            str(path.parent.relative_to(folder))
            for pattern in ("*/pyproject.toml", "*/*/pyproject.toml", "*/setup.py", "*/*/setup.py")
            for path in folder.glob(pattern)
        }
    )
    if projects:
        return f"{folder} has no Python package; run `tbp init` in the folder of one: {named(projects, 5)}"
    above = f", for example {top}" if folder != top else ""
    return (
        f"{folder} has no Python package: run `tbp init` in the folder that has yours, or src with it{above}. "
        "A package is a folder with an __init__.py"
    )
