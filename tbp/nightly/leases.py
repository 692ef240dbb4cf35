"""Who measures which commit until when, so that two runners do not measure the same one.

A lease is of one runner, one setup (a machine's name and asv's choice of environments) and one commit. Equal runners
of a pool have one name and share the work; machines of other names measure the same commits beside each other. Leases
lie on the data branch, and a push that replaces one commit exactly decides who has one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tbp.system.foreign_json import value_in

LEASES, END = "leases/", ".json"
# A lease ends by itself, so that a machine that is gone blocks nobody. A job of GitHub's runners ends after 6 hours at
# the latest, and the next night comes after 24: none ends under a living job, or outlives its night. A commit that
# takes longer may be measured twice; its results are merged.
LEASE = timedelta(hours=6)
# That another runner's clock is ahead. Whatever begins later is of a clock that is wrong, and would block for years.
CLOCKS_APART = timedelta(hours=1)
# It is part of a path, which git must take: else one lease keeps everybody from pushing.
_RUNNER = re.compile(r"[\w-]{1,64}", re.ASCII)
# History of the file.
#   1  first
FORMAT = 1


class PoolSetup(Struct, frozen=True):
    """The name of a pool's machine, and the environments that asv.conf.json asks for.

    Results of one setup never stand for those of another.
    """

    machine: str
    environments: str = ""  # a digest of the keys of asv.conf.json that choose them

    @property
    def digest(self) -> str:
        """Digits that are part of a lease's path."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]


class Lease(Struct, frozen=True):
    """One commit that one runner measures, or was stopped at."""

    setup: PoolSetup
    runner: str
    commit: str  # full hash
    since: datetime  # UTC
    until: datetime

    @property
    def path(self) -> str:
        """The file's name on the data branch."""
        return f"{self.setup.digest}-{self.runner}{END}"

    def blocks(self, setup: PoolSetup, runner: str, now: datetime) -> bool:
        """True where another runner measures its commit for ``setup`` at the moment."""
        goes_on = now < self.until and self.since - now <= CLOCKS_APART
        return self.setup == setup and self.runner != runner and goes_on


class _LeaseFile(Struct):
    format: int
    lease: Lease


def runner_name(results_dir: Path) -> str:
    """A name of this runner, which stays after a SIGKILL: of the results folder, in this container, since it booted.

    Two containers of one host, and two hosts with one name, are different runners.
    """
    facts = [str(results_dir.resolve())]
    for path in ("/proc/sys/kernel/random/boot_id", "/etc/machine-id"):
        with suppress(OSError):
            facts.append(Path(path).read_text())
    with suppress(OSError):
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(facts).encode(errors="surrogateescape")).hexdigest()[:12]


def leased(leases: Iterable[Lease], setup: PoolSetup, runner: str, now: datetime) -> frozenset[str]:
    """The commits that other runners measure for ``setup``."""
    return frozenset(lease.commit for lease in leases if lease.blocks(setup, runner, now))


def unfinished(leases: Iterable[Lease], setup: PoolSetup, runner: str, now: datetime) -> tuple[str, ...]:
    """The commits of ``setup`` that this runner, or one whose lease has ended, was stopped at."""
    stopped = (lease for lease in leases if lease.setup == setup and not lease.blocks(setup, runner, now))
    return tuple(dict.fromkeys(lease.commit for lease in stopped))


def taken(
    leases: Iterable[Lease],
    setup: PoolSetup,
    runner: str,
    commit: str,
    done: Iterable[str],
    now: datetime,
    last: timedelta,
) -> tuple[Lease, ...]:
    """``leases`` once ``runner`` has measured ``done``, and has the lease of ``commit`` for as long as ``last``."""
    stay = released(leases, setup, runner, (*done, commit), now)
    new = Lease(setup, runner, commit, now, now + min(LEASE, last))
    return (*(lease for lease in stay if lease.path != new.path), new)


def released(
    leases: Iterable[Lease], setup: PoolSetup, runner: str, done: Iterable[str], now: datetime
) -> tuple[Lease, ...]:
    """``leases`` once ``runner`` has measured ``done`` and measures nothing more.

    A lease of another commit has ended: it tells the next runner that this commit may be measured in part.
    """
    over = frozenset(done)
    stay = []
    for lease in leases:
        is_free = lease.setup == setup and not lease.blocks(setup, runner, now)
        if not (is_free and lease.commit in over):
            stay.append(replace(lease, until=min(lease.until, now)) if is_free else lease)
    return tuple(stay)


def read_lease(content: bytes) -> Lease | None:
    """The lease in a file; None where it holds none: what nobody can read keeps nobody from measuring."""
    stored = value_in(content, _LeaseFile)
    if stored is None:
        return None
    lease = stored.lease
    is_whole = stored.format == FORMAT and lease.since.tzinfo is not None and lease.until.tzinfo is not None
    is_whole = is_whole and _RUNNER.fullmatch(lease.runner) is not None
    # No lease is longer: somebody's clock is wrong, or somebody wants all for himself.
    return lease if is_whole and lease.until - lease.since <= LEASE else None


def written(lease: Lease) -> bytes:
    """The file of a lease."""
    return msgspec.json.encode(_LeaseFile(FORMAT, lease))


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
