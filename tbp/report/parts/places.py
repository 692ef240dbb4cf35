"""Series among the others of a site: what tells them apart, and where their pages are.

Takes all histories once, so that naming one of ten thousand does not look at all of them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from tbp.model.changes import History
from tbp.report.parts import addresses


class Places(Struct, frozen=True):
    """Which of machine and environment have to be said."""

    machine: bool
    environment: bool
    faces: Mapping[str, str] = {}

    @classmethod
    def of(cls, histories: Iterable[History], faces: Mapping[str, str] | None = None) -> Places:
        """``faces`` say what each machine is called, by identifier, which it is called where they do not."""
        keys = {(history.key.machine, history.key.environment) for history in histories}
        several = len({machine for machine, _ in keys}) > 1, len({environment for _, environment in keys}) > 1
        return cls(*several, faces or {})

    def name(self, machine: str, environment: str) -> str:
        """Machine and environment, as far as the site has more than one."""
        return " · ".join([self.face(machine)] * self.machine + [environment] * self.environment)

    def face(self, machine: str) -> str:
        """The name of the machine that readers see."""
        return self.faces.get(machine, machine)


def series_href(history: History) -> str:
    """The series on its benchmark's page, from the site's folder."""
    return f"{addresses.page_file(history.key.benchmark)}#{addresses.anchor(history.key)}"
