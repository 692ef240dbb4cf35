"""The name and version that a checkout gives itself, for ``importlib.metadata`` in an environment that builds nothing.

Takes the folder of a checkout and its commit, gives the metadata that can be read without running the project's build:
``[project]`` and ``[tool.poetry]`` of pyproject.toml, ``[metadata]`` of setup.cfg, literal arguments of ``setup()`` in
setup.py. Not covered: entry points, and versions that a build makes up. Such a version is ``0+g`` and the hash, which
compares as older than any release. Runs in asv's process, so it needs the standard library only.
"""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

# What a distribution and a version may be called (PEP 508, PEP 440, without looking closely).
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"v?[0-9][A-Za-z0-9.!+_-]*")


def write_metadata(checkout: Path, commit: str, folder: Path) -> None:
    """Write the metadata of ``checkout`` into ``folder``; nothing where the checkout has no name.

    The folder in it has no version in its name: a session notes by such names what is installed
    (``tbp.bench.surroundings``), and the measured commit is no part of what it was measured with.
    """
    name, version = name_and_version(checkout, commit)
    if name:
        target = folder / f"{re.sub(r'[-_.]+', '_', name)}.egg-info"
        target.mkdir(parents=True, exist_ok=True)
        (target / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def name_and_version(checkout: Path, commit: str) -> tuple[str, str]:
    """Name and version of the distribution that ``checkout`` makes; an empty name where none can be read."""
    declared = list(_declared(checkout))
    name = next((name for name, _ in declared if name and _NAME.fullmatch(name)), "")
    version = next((version for _, version in declared if version and _VERSION.fullmatch(version)), "")
    return name, version or f"0+g{commit[:8]}"


def _declared(checkout: Path) -> Iterator[tuple[str, str]]:
    """Name and version as each file declares them, empty where it does not; a file that cannot be read has neither."""
    for read, file in ((_of_pyproject, "pyproject.toml"), (_of_setup_cfg, "setup.cfg"), (_of_setup_py, "setup.py")):
        try:
            text = (checkout / file).read_text(encoding="utf-8")
            pairs = read(text)
        except (OSError, ValueError, SyntaxError, RecursionError, configparser.Error):
            continue
        yield from pairs


def _of_pyproject(text: str) -> list[tuple[str, str]]:
    values = tomllib.loads(text)
    tool = table_in(values, "tool")
    return [
        (_text(table, "name"), _text(table, "version"))
        for table in (table_in(values, "project"), table_in(tool, "poetry"))
    ]


def _of_setup_cfg(text: str) -> list[tuple[str, str]]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return [(parser.get("metadata", "name", fallback=""), parser.get("metadata", "version", fallback=""))]


def _of_setup_py(text: str) -> list[tuple[str, str]]:
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    setups = [call for call in calls if getattr(call.func, "id", getattr(call.func, "attr", "")) == "setup"]
    arguments = [{keyword.arg: keyword.value for keyword in call.keywords} for call in setups]
    return [(_literal(each.get("name")), _literal(each.get("version"))) for each in arguments]


def _literal(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def table_in(values: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The table ``key`` of a TOML file's ``values``; empty where it is none."""
    table = values.get(key)
    return table if isinstance(table, dict) else {}


def _text(values: Mapping[str, object], key: str) -> str:
    text = values.get(key)
    return text if isinstance(text, str) else ""
