"""What the pages are rendered from: histories, where they came from, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass

from tbp.acks import Ack
from tbp.history.series import Commit, History


@dataclass(frozen=True)
class Machine:
    """What asv's machine.json says of a machine; every value may be empty."""

    name: str
    cpu: str = ""
    cores: str = ""
    ram: str = ""
    os: str = ""


@dataclass(frozen=True)
class Base:
    """What the report judges against: only changes after it count."""

    revision: str  # as the user wrote it
    commit: Commit  # its commit, or the nearest before it that has a result


@dataclass(frozen=True)
class ReportData:
    """All a site says. ``problems`` are sentences about input that could not be used, each with what to do."""

    project: str
    histories: tuple[History, ...]
    machines: tuple[Machine, ...] = ()
    commit_url: str = ""  # asv's show_commit_url: prefix before the hash; empty when there is none
    problems: tuple[str, ...] = ()
    acks: tuple[Ack, ...] = ()  # as they stand in the file, expired ones too
    base: Base | None = None
    order: tuple[str, ...] = ()  # hashes of the project's history, oldest first; empty where no repository tells

    @property
    def newest(self) -> Commit | None:
        """The newest commit with a result, by date; None without any. A site knows no other clock."""
        commits = (point.commit for history in self.histories for point in history.points[-1:])
        return max(commits, key=lambda commit: (commit.date, commit.hash), default=None)
