"""Sources of results: a results folder, or whatever else gives the same.

Every verb starts from a ``ResultsSource``. A folder is read here; ``tbp.dataset`` has the source for a store.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeAlias

from msgspec import Struct

from tbp.asv.ratios import Ratios, read_ratios
from tbp.asv.results import Results, read_results
from tbp.asv.session_files import read_sessions
from tbp.asv.sessions import Sessions
from tbp.project.asv_config import AsvConfig, OfProject, resolved, results_folder


class ResultsSource(OfProject, Protocol):
    """The results of one project, all that is beside them, and the name of the project."""

    def results(self) -> Results:
        """The values of every run. Raises NothingMeasured where there is none."""
        ...

    def sessions(self) -> Sessions:
        """The sessions of the ruler, and asv's reasons."""
        ...

    def ratios(self) -> Ratios:
        """The ratios that nights measured."""
        ...


Where: TypeAlias = Path | ResultsSource
"""A results folder, or another source of results."""


class ResultsFolder(Struct, frozen=True):
    """A results folder as asv and the ruler write it."""

    folder: Path

    @property
    def project(self) -> str:
        """The folder's name, which is all that it knows of its project."""
        return resolved(self.folder).name

    def results(self) -> Results:
        return read_results(self.folder)

    def sessions(self) -> Sessions:
        return read_sessions(self.folder)

    def ratios(self) -> Ratios:
        return read_ratios(self.folder)


def source_of(config: AsvConfig | None, results: Where | None) -> ResultsSource:
    """``results`` as a source, or else the results folder of ``config``."""
    if results is None or isinstance(results, Path):
        return ResultsFolder(results_folder(config, results))
    return results
