"""A results folder and a data branch, brought to the same content: nothing of either is lost, nothing is doubled.

Takes the branch as ``tbp.nightly.remote_branch`` reads it. Pulling merges it into the folder; pushing pulls, and then
replaces exactly the commit that was merged, so that whoever was quicker makes it begin again. The folder remembers in
``nightly.data`` what both had in common.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tbp.errors import RunFailed, UnreadableInput, UsageError
from tbp.nightly.bounds import MOST_FILE_BYTES, MOST_LEASE_BYTES, MOST_MARKER_BYTES, require_bounded
from tbp.nightly.folder_files import STATE, grows, is_changing, is_result, is_shared, shared_files, table_of
from tbp.nightly.leases import END as LEASE_END
from tbp.nightly.leases import LEASES, Lease, read_lease, written
from tbp.nightly.merging import merged
from tbp.nightly.remote_branch import RACED, Blob, RemoteBranch
from tbp.nightly.sharing import MOST_TRIES, Decide, Exchanged, wait_before
from tbp.project.git import HASH
from tbp.system.bounded import read_plain
from tbp.system.foreign_json import object_at, object_in, value_at
from tbp.system.whole_files import write_whole
from tbp.wording.words import value_text

RESULTS = "results/"  # the folder of the branch beside ``LEASES``
MARKER, README = "tbp-data.json", "README.md"
# Of the branch.
#   1  results/ and leases/
FORMAT = 1
# A refusal may be a lock of the remote, which another push has for a moment; a hook refuses again.
MOST_REFUSALS = 3
MOST_STATE_BYTES = 256_000_000  # a million files
EXPLANATION = b"""# Results of nightly benchmarks

`tbp nightly --data` and `tbp data push` keep this branch: asv's results with sessions and traces in `results/`, and in
`leases/` who measures which commit at the moment. It shares no history with the code: never merge it. After some
commits a new one without a parent replaces them all. `tbp data pull` brings the results into the folder that
asv.conf.json names.
"""


class _State(Struct):
    """The memory of a results folder."""

    format: int = FORMAT
    branch: str = ""
    store: str = ""  # the repository that has the blobs
    common: dict[str, str] = field(default_factory=dict)  # path → hash that both sides had
    known: dict[str, tuple[int, int, str]] = field(default_factory=dict)  # path → ns of change, bytes, hash here


class _Merge(Struct, frozen=True):
    """Both sides after a pull."""

    tip: str
    here: dict[str, str]  # path → hash
    files: dict[str, Blob]  # of the branch, all of them
    pruned: set[str]  # raw traces that are gone
    leases: tuple[Lease, ...]
    received: tuple[str, ...]
    notes: tuple[str, ...]
    state: _State


class Exchange:
    """One results folder's part in a data branch."""

    def __init__(self, branch: RemoteBranch, results_dir: Path) -> None:
        self.branch, self.results_dir = branch, results_dir

    def pull(self) -> Exchanged:
        """Merges the branch into the folder; a branch that is not there yet has nothing. Raises RunFailed."""
        merge = self._merge()
        return Exchanged(merge.tip, merge.leases, merge.received, notes=merge.notes)

    def measured(self, name: str) -> frozenset[str]:
        """None: a pull brings all results into the folder."""
        return frozenset()

    def push(self, subject: str, decide: Decide = lambda leases: leases) -> Exchanged:
        """Merges both ways. ``decide`` gets the leases after each pull, and gives those that the branch shall have.

        Raises:
            RunFailed: the remote cannot be reached or refuses; everything that was measured is in the folder.
        """
        refusals, why, received = 0, "", dict[str, None]()
        for attempt in range(MOST_TRIES):
            wait_before(attempt)
            merge = self._merge()
            received.update(dict.fromkeys(merge.received))
            leases = tuple(decide(merge.leases))
            changed, notes = self._to_send(merge)
            # Stored once more: git throws away what no commit has had for two weeks.
            self.branch.stored(self.results_dir, list(changed))
            commit = self._commit(merge, changed, leases, subject)
            why = self.branch.push(commit, merge.tip) if commit != merge.tip else ""
            if not why:
                merge.state.common.update(changed)
                self._remember(merge.state)
                return Exchanged(commit, leases, tuple(received), tuple(changed), (*merge.notes, *notes))
            refusals += why != RACED
            if refusals == MOST_REFUSALS:
                break
        raise RunFailed(
            f"{self.branch} does not take the results: {why}; they are kept in {self.results_dir}: "
            "run `tbp data push` when that is mended"
        )

    def _merge(self) -> _Merge:
        tip = self.branch.tip()
        files = self.branch.files(tip) if tip else {}
        self._require_marker(tip, files)
        _require_bounded(f"{self.branch} has", {path: blob.size for path, blob in files.items()})
        there = {path: blob for path, blob in _below(RESULTS, files).items() if is_shared(path)}
        notes = [f"{path} is larger than GitHub takes, and stays on the branch" for path in _too_large(there)]
        notes += [
            f"{path} is larger than a lease, and counts for none: the next push takes it out"
            for path, blob in files.items() if path.startswith(LEASES) and blob.size > MOST_LEASE_BYTES
        ]  # fmt: skip
        there = {path: blob for path, blob in there.items() if blob.size <= MOST_FILE_BYTES}
        self.results_dir.mkdir(parents=True, exist_ok=True)
        state = self._state()
        here = self._hashes(state)
        pruned = _pruned(here, there)
        received = self._receive(here, there, pruned, state)
        for path in pruned & here.keys():
            (self.results_dir / path).unlink(missing_ok=True)
        if received or pruned & here.keys():
            here = self._hashes(state)
        state.common = {path: blob.hash for path, blob in there.items()}
        self._remember(state)
        return _Merge(tip, here, files, pruned, self._leases(files), tuple(received), tuple(notes), state)

    def _receive(
        self, here: Mapping[str, str], there: Mapping[str, Blob], pruned: Set[str], state: _State
    ) -> list[str]:
        """Writes what the branch has and the folder lacks, and what both changed, merged; the paths of those files."""
        differing = [path for path, blob in there.items() if here.get(path) != blob.hash and path not in pruned]
        # What only this side changed stays as it is, and is sent; of what only grows, nothing is ever taken out.
        wanted = [
            path for path in differing if path not in here or grows(path) or state.common.get(path) != there[path].hash
        ]
        received = []
        for path, theirs in zip(wanted, self.branch.contents([there[path] for path in wanted]), strict=True):
            file, content = self.results_dir / path, theirs
            common = state.common.get(path, "")
            if path in here and is_changing(path) and here[path] != common:
                ours = read_plain(file, MOST_FILE_BYTES)
                content = merged(path, self.branch.content(common) if common else None, ours, theirs)
                if content == ours:
                    continue
            if not file.parent.resolve().is_relative_to(self.results_dir.resolve()):
                raise UnreadableInput(f"{file.parent} leads out of the results folder: make it a folder of its own")
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, content)
            received.append(path)
        return received

    def _to_send(self, merge: _Merge) -> tuple[dict[str, str], list[str]]:
        """The files that the branch lacks or has otherwise, with their hashes; sentences on those that stay here."""
        changed, notes = {}, []
        for path, blob in merge.here.items():
            if (known := merge.files.get(RESULTS + path)) is not None and known.hash == blob:
                continue
            file = self.results_dir / path
            if file.stat().st_size > MOST_FILE_BYTES:
                notes.append(f"{file} is larger than GitHub takes, and is kept here only")
            elif is_result(path) and object_at(file, MOST_FILE_BYTES) is None:
                notes.append(f"{file} was cut off while it was written, and is kept here only; the next night mends it")
            else:
                changed[path] = blob
        sizes = {path: blob.size for path, blob in merge.files.items()}
        sizes |= {RESULTS + path: (self.results_dir / path).stat().st_size for path in changed}
        _require_bounded(f"with the results here {self.branch} has", sizes)
        return changed, notes

    def _commit(self, merge: _Merge, changed: Mapping[str, str], leases: Sequence[Lease], subject: str) -> str:
        texts = {LEASES + lease.path: written(lease) for lease in leases}
        texts |= {MARKER: json.dumps({"format": FORMAT}).encode(), README: EXPLANATION}
        gone = [path for path in merge.files if path.startswith(LEASES) and path not in texts]
        gone += [RESULTS + path for path in merge.pruned if RESULTS + path in merge.files]
        return self.branch.commit(
            merge.tip, {RESULTS + path: blob for path, blob in changed.items()}, gone, texts, subject
        )

    def _leases(self, files: Mapping[str, Blob]) -> tuple[Lease, ...]:
        blobs = [
            blob for path, blob in files.items() if path.startswith(LEASES) and path.endswith(LEASE_END)
            and blob.size <= MOST_LEASE_BYTES
        ]  # fmt: skip
        return tuple(lease for lease in map(read_lease, self.branch.contents(blobs)) if lease is not None)

    def _require_marker(self, tip: str, files: Mapping[str, Blob]) -> None:
        """Raises UsageError where the branch is not one of results: a push would add to code, or replace it."""
        if not tip:
            return
        marker = files.get(MARKER)
        contents = self.branch.contents([marker]) if marker and marker.size <= MOST_MARKER_BYTES else []
        version = next(((object_in(content) or {}).get("format") for content in contents), None)
        if version is None:
            raise UsageError(
                f"{self.branch} is no data branch of tbp, and is left alone: name a branch that does not exist yet"
            )
        if version != FORMAT:
            raise UsageError(f"{self.branch} has format {value_text(version)}, and this tbp knows {FORMAT}: update tbp")

    def _hashes(self, state: _State) -> dict[str, str]:
        """The hash of every shared file of the folder; git has the content of each from now on."""
        files = {path: (stat.st_mtime_ns, stat.st_size) for path, stat in shared_files(self.results_dir)}
        new = [path for path, about in files.items() if state.known.get(path, ())[:2] != about]
        hashes = dict(zip(new, self.branch.stored(self.results_dir, new), strict=True))
        state.known = {path: (*about, hashes.get(path) or state.known[path][2]) for path, about in files.items()}
        return {path: blob for path, (_, _, blob) in state.known.items()}

    def _state(self) -> _State:
        state = value_at(self.results_dir / STATE, _State, MOST_STATE_BYTES) or _State()
        is_ours = state.format == FORMAT and state.branch == str(self.branch)
        # Another repository lacks the blobs that are known here.
        is_ours = is_ours and state.store == str(self.branch.repository.resolve())
        # What is no hash would be an option of git, or a path of its own on the branch.
        hashes = (*state.common.values(), *(blob for _, _, blob in state.known.values()))
        is_ours = is_ours and all(map(HASH.fullmatch, hashes))
        return state if is_ours else _State(branch=str(self.branch), store=str(self.branch.repository.resolve()))

    def _remember(self, state: _State) -> None:
        write_whole(self.results_dir / STATE, msgspec.json.encode(state))


def _require_bounded(subject: str, sizes: Mapping[str, int]) -> None:
    """Raises RunFailed for a branch of files that have, by path, these ``sizes``."""
    require_bounded(subject, sizes.values(), sum(path.startswith(LEASES) for path in sizes))


def _below(folder: str, files: Mapping[str, Blob]) -> dict[str, Blob]:
    return {path.removeprefix(folder): blob for path, blob in files.items() if path.startswith(folder)}


def _pruned(here: Mapping[str, str], there: Mapping[str, Blob]) -> set[str]:
    """Raw traces that one side still has, and the other one has replaced by a table."""
    raw = {path: table for path in (here.keys() | there.keys()) if (table := table_of(path))}
    return {
        path
        for path, table in raw.items()
        if (path not in here and table in here) or (path not in there and table in there)
    }


def _too_large(there: Mapping[str, Blob]) -> list[str]:
    return [path for path, blob in there.items() if blob.size > MOST_FILE_BYTES]
