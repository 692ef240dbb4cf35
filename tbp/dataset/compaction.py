"""Many small parts of a store → one part with few files, and the removal of what does not count any more.

Takes a store, adds a part that replaces the others. Readers may have the replaced files open, so these stay for a day:
a later compaction removes them. Whoever is killed here leaves files that nobody counts, and of two compactions at once
both are right, as rows that are stored twice count once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from tbp.dataset.database import Database, Wanted, opened
from tbp.dataset.files import StoreFiles
from tbp.dataset.parts import DATA, LiveFiles, StoredTableFile, live_files, put_part, put_rows, required
from tbp.dataset.tables import PARTITIONED, TABLES, schema

if TYPE_CHECKING:
    import pyarrow as pa

GRACE_MS = 86_400_000  # for which a query may still read what was replaced; the longest is a report, of minutes

# Rows of a table that stay, each once. Of the files beside results every version stays, as reading merges them. An
# older version of a result file stays a row of ``runs``, as some of its values may be the newest.
_VERSIONS = (
    "SELECT * EXCLUDE in_file FROM all_{} QUALIFY row_number() OVER "
    "(PARTITION BY path, file_key ORDER BY ingested DESC) = 1"
)
_ROWS = {
    "grids": "SELECT DISTINCT * FROM grids", "runs": _VERSIONS.format("runs"), "records": _VERSIONS.format("records"),
}  # fmt: skip


class Compacted(Struct, frozen=True):
    """The outcome of a compaction."""

    files_before: int
    files_after: int
    removed: int  # files that did not count any more


def compact(store: StoreFiles, now_ms: int) -> Compacted:
    """Writes anew what lies in several files where one is enough: of a machine and month, or of a small table.

    Raises:
        NothingMeasured: there is no store.
        UnreadableInput: it cannot be reached, or a file in it is damaged; it is as it was then.
    """
    live = required(store)
    before = {file.path for part in live.parts.values() for file in part.files}
    files = [file for project in live.projects for file in _compacted(store, live, project)]
    if len(live.parts) > 1 or live.is_older:
        put_part(store, (), now_ms, tuple(sorted(live.parts)), files)
    return Compacted(len(before), len(files), _swept(store, now_ms))


def _compacted(store: StoreFiles, live: LiveFiles, project: str) -> Iterator[StoredTableFile]:
    """The files that one project is to have, those that are new written."""
    for table in TABLES:
        divided: dict[tuple[str, str], list[StoredTableFile]] = {}
        for file in live.of(table, project):
            divided.setdefault((file.machine, file.month), []).append(file)
        for (machine, month), files in sorted(divided.items()):
            if len(files) == 1 and not live.is_older:
                yield files[0]
                continue
            wanted = Wanted(project, machine=machine, months=(month, month) if month else None)
            with opened(store, live, wanted) as database:
                yield from put_rows(store, table, project, _rows(database, table, machine))


def _rows(database: Database, table: str, machine: str) -> pa.Table:
    is_divided = table in PARTITIONED
    query = _ROWS.get(table, f"SELECT * FROM {table}" + " WHERE machine = ?" * is_divided)
    return database.rows(query, [machine] if is_divided else ()).cast(schema(table))


def _swept(store: StoreFiles, now_ms: int) -> int:
    """Removes what has not counted for longer than GRACE_MS; returns how many files that was.

    Data that no part names may be of an ingest that is about to write one, as long as it is young.
    """
    parts = live_files(store).every
    old = now_ms - GRACE_MS
    over = {name for part in parts.values() if part.written < old for name in part.replaces} & parts.keys()
    store.remove(over)
    named = {file.path for part in live_files(store).every.values() for file in part.files}
    stray = [name for name in store.sizes(DATA) if name not in named and store.written_ms(name) < old]
    store.remove(stray)
    return len(stray) + len(over)
