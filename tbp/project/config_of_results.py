"""The asv.conf.json that a folder of results belongs to: beside the folder, or above it.

Takes the folder, gives the path of the configuration whose ``results_dir`` it is. Files are read as data, and only
those of whoever owns the results or runs tbp: in a folder that everybody may write to, anybody may lay one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tbp.errors import UsageError
from tbp.project.asv_config import DEFAULT_NAMES, is_same_folder, read_config, resolved


class ConfigOfResults(Struct, frozen=True):
    """The configuration that was found, and a sentence on each that could not be read."""

    path: Path | None = None
    notes: tuple[str, ...] = ()


def config_of_results(results_dir: Path) -> ConfigOfResults:
    """The configuration of ``results_dir``; the nearest one above it. Raises nothing.

    The search ends with the first folder that has a ``.git``: what lies above is another project's.
    """
    notes: list[str] = []
    for path in _candidates(results_dir):
        try:
            is_of_results = is_same_folder(read_config(path).results_dir, results_dir)
        except UsageError as error:
            notes.append(f"left out: {error}")
            continue
        if is_of_results:
            return ConfigOfResults(path, tuple(notes))
    return ConfigOfResults(None, tuple(notes))


def _candidates(results_dir: Path) -> Iterator[Path]:
    """The configurations in the folder, beside it and above it: as its path is written, then as links lead."""
    written = Path(os.path.abspath(results_dir))  # noqa: PTH100 - Path.absolute keeps "..", and resolve follows links
    owners = _owners(results_dir)
    for start in dict.fromkeys((written, resolved(results_dir))):
        for folder in (start, *start.parents):
            for name in DEFAULT_NAMES:
                if _owners(folder / name) & owners:
                    yield folder / name
            if (folder / ".git").exists():
                break


def _owners(path: Path) -> frozenset[int]:
    """Who owns the file, and of a folder whoever runs tbp too; nobody owns a file that is not there."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a null in the path
        return frozenset()
    return frozenset({status.st_uid, os.getuid()}) if path.is_dir() else frozenset({status.st_uid})
