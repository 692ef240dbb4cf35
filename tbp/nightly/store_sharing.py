"""A results folder and a store, shared by several runners: results by ingest, leases as files of the store.

No push replaces a whole store as it does a branch, so each lease is a file of its own,
``leases/<project>/<setup>-<commit>.<turn>.json``. Whoever makes it first has the lease, and the one of the next turn
takes over a lease that has ended. Files stay until their commit is measured, so that no turn comes twice. Results are
added before a lease goes; whoever makes a file looks at the measured commits once more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tbp.asv.fleet import name_on_arrival
from tbp.asv.result_file import Facts
from tbp.dataset.database import Wanted, opened
from tbp.dataset.files import StoreFiles
from tbp.dataset.ingest import ingest
from tbp.dataset.parts import live_files, path_part
from tbp.errors import RunFailed, UnreadableInput
from tbp.nightly.bounds import MOST_LEASE_BYTES, MOST_LEASES
from tbp.nightly.leases import LEASES, Lease, now, read_lease, runner_name, written
from tbp.nightly.sharing import MOST_TRIES, Decide, Exchanged, wait_before
from tbp.project.policy import Policy

# Leases of setups, and of commits, that nobody measures any more.
FORGOTTEN = timedelta(days=30)
_FILE = re.compile(r"(?P<key>[0-9a-f]{12}-[0-9a-f]{40,64})\.(?P<turn>\d{1,9})\.json")


class _NewestTurn(Struct, frozen=True):
    """The newest file of a commit, of one setup; ``lease`` is None where it cannot be read."""

    turn: int
    lease: Lease | None


class StoreSharing:
    """One results folder's part in a project of a store."""

    def __init__(self, store: StoreFiles, results_dir: Path, project: str, policy: Policy) -> None:
        self._store, self._results_dir, self._project, self._policy = store, results_dir, project, policy
        self._runner = runner_name(results_dir)
        self._folder = f"{LEASES}{path_part(project)}"
        self._measured: list[tuple[str, str]] = []  # name of the machine, commit
        self._noted: set[str] = set()  # problems of the folder that an earlier push told of

    def pull(self) -> Exchanged:
        """Looks at the leases and at what others measured; results stay in the store. Raises RunFailed."""
        with self._reached():
            return Exchanged("", self._leases(self._looked()), ())

    def measured(self, name: str) -> frozenset[str]:
        """The commits that machines of this name have results of in the store, as it was at the last exchange."""
        return frozenset(commit for machine, commit in self._measured if machine == name)

    def push(self, subject: str, decide: Decide = lambda leases: leases) -> Exchanged:
        """Adds what the folder has to the store, and settles the leases; ``subject`` is for branches only.

        Raises:
            RunFailed: the store cannot be reached; everything that was measured is in the folder.
        """
        with self._reached():
            at_ms = time.time_ns() // 1_000_000
            ingested = ingest(self._store, self._results_dir, self._project, self._policy.names, at_ms)
            for attempt in range(MOST_TRIES):
                wait_before(attempt)
                files = self._looked()
                leases = tuple(decide(self._leases(files)))
                if self._settled(files, leases):
                    notes = tuple(problem for problem in ingested.problems if problem not in self._noted)
                    self._noted.update(notes)
                    return Exchanged("", leases, (), notes=notes)
        raise RunFailed(f"{self._store}: other runners were quicker {MOST_TRIES} times; the next night tries again")

    def _looked(self) -> dict[str, _NewestTurn]:
        """The newest file of each lease by setup and commit; after that, notes what is measured."""
        files: dict[str, _NewestTurn] = {}
        sizes = self._store.sizes(self._folder)
        if len(sizes) > MOST_LEASES:
            raise RunFailed(
                f"{self._store} has {len(sizes):,} files in {self._folder}, and a project has at most {MOST_LEASES:,} "
                "leases: take out what does not belong there"
            )
        for path, size in sizes.items():
            match = _FILE.fullmatch(path.rpartition("/")[2])
            if match is None:
                continue
            key, turn = match["key"], int(match["turn"])
            if key in files and files[key].turn > turn:
                continue
            with suppress(FileNotFoundError):  # over since it was listed
                files[key] = _NewestTurn(turn, read_lease(self._store.read(path)) if size <= MOST_LEASE_BYTES else None)
        live = live_files(self._store)
        with opened(self._store, live, Wanted(self._project), ("runs",)) as database:
            rows = database.rows("SELECT DISTINCT machine, commit, facts FROM runs").to_pylist()
        rules = self._policy.machines
        names = {
            (row["machine"], row["facts"]): name_on_arrival(row["machine"], _facts(row["facts"]), rules) for row in rows
        }
        self._measured = [(names[row["machine"], row["facts"]], row["commit"]) for row in rows]
        return files

    def _leases(self, files: dict[str, _NewestTurn]) -> tuple[Lease, ...]:
        return tuple(file.lease for file in files.values() if file.lease is not None)

    def _settled(self, files: dict[str, _NewestTurn], wanted: Sequence[Lease]) -> bool:
        """Makes the leases of the store those that are ``wanted``; False where another runner was quicker."""
        by_key = {_key(lease): lease for lease in wanted}
        for key, lease in by_key.items():
            file = files.get(key)
            if lease.runner != self._runner or (file is not None and file.lease == lease):
                continue
            if file is not None and file.lease is not None and file.lease.since == lease.since:
                self._store.put(self._name(key, file.turn), written(lease))  # it ends early
            elif not self._made(key, 0 if file is None else file.turn + 1, lease):
                return False
        at = now()
        for key, file in files.items():
            if file.lease is not None and file.lease.until < at - FORGOTTEN:
                self._remove(key, file)
            elif key not in by_key:
                self._end(key, file, at)
        return True

    def _made(self, key: str, turn: int, lease: Lease) -> bool:
        """Makes the file of a lease; False where another runner has made it, or has measured the commit meanwhile."""
        was_measured = lease.commit in self.measured(lease.setup.machine)
        name = self._name(key, turn)
        if not self._store.create(name, written(lease)):
            return False
        self._looked()
        if lease.commit in self.measured(lease.setup.machine) and not was_measured:
            self._store.remove([name])
            return False
        return True

    def _end(self, key: str, file: _NewestTurn, at: datetime) -> None:
        """Removes a lease of a measured commit, or what is none; any other stays, so that turns are counted on."""
        lease = file.lease
        if lease is None:
            is_over = key.partition("-")[2] in {commit for _, commit in self._measured}
        else:
            is_over = lease.commit in self.measured(lease.setup.machine)
        if is_over:
            self._remove(key, file)
        elif lease is not None and lease.runner == self._runner and lease.until > at:
            self._store.put(self._name(key, file.turn), written(replace(lease, until=at)))

    def _remove(self, key: str, file: _NewestTurn) -> None:
        self._store.remove(self._name(key, turn) for turn in range(file.turn + 1))

    def _name(self, key: str, turn: int) -> str:
        return f"{self._folder}/{key}.{turn}.json"

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """A block in which a store that cannot be reached is a failed run."""
        try:
            yield
        except UnreadableInput as error:
            raise RunFailed(str(error)) from None


def _key(lease: Lease) -> str:
    return f"{lease.setup.digest}-{lease.commit}"


def _facts(content: str) -> Facts:
    try:
        facts: Facts = msgspec.json.decode(content, type=Facts)
    except msgspec.DecodeError:  # whoever reads the results says so
        return ()
    return facts
