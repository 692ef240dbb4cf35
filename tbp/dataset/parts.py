"""The parts of a store: what one ingest, or one compaction, added to it.

A part is a JSON file in ``parts/`` that names Parquet files of ``data/``; only files that a part names count. Data is
written first and its part last, and both are named by their content. So whoever is killed leaves files that nobody
counts, two writers never write different things to one name, and no lock is needed. Takes the files of a store, gives
those that count; adds a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import numpy as np
from msgspec import Struct

from tbp.dataset.files import StoreFiles, library
from tbp.dataset.tables import FORMAT, PARTITIONED, SORTED_BY, TABLES, schema
from tbp.errors import NothingMeasured, UnreadableInput, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

PARTS, DATA = "parts", "data"
MOST_NAME = 100  # characters of a project or a machine in a path; what is longer, is its beginning and a digest
# Rows that are read together where one series is wanted: a row group. One of 20,000 takes DuckDB under a millisecond;
# smaller ones make the footers of files longer than what they save.
GROUP_ROWS = 20_000
MOST_PART_BYTES = 64_000_000  # of one part: 300,000 files, those of 1,000 machines in 25 years
_PATH = re.compile(rf"{DATA}/[a-z]+(/\w+=[^/]*)*/[0-9a-f]+\.parquet")  # nothing leads out of the store


class StoredTableFile(Struct, frozen=True):
    """One Parquet file."""

    table: str
    path: str
    rows: int
    size: int  # bytes: a file of another size is half written
    project: str
    machine: str = ""  # of all of its rows; empty: of any
    month: str = ""  # "2026-11", of all of its rows; empty: of any


class Part(Struct, frozen=True):
    """A part as its file has it; fields that are not known here are passed over."""

    format: int
    written: int  # ms since 1970
    files: tuple[StoredTableFile, ...]
    replaces: tuple[str, ...] = ()  # names of parts that do not count beside this one


class LiveFiles(Struct, frozen=True):
    """The files of a store that count."""

    parts: Mapping[str, Part]  # by name, without those that are replaced
    problems: tuple[str, ...] = ()  # sentences: a part that could not be used, and the remedy
    every: Mapping[str, Part] = {}  # by name, those that do not count too

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects with results, by name."""
        return tuple(sorted({file.project for file in self.of("runs")}))

    @property
    def is_older(self) -> bool:
        """True where a part lacks columns of today."""
        return any(part.format < FORMAT for part in self.parts.values())

    def of(
        self, table: str, project: str = "", machine: str = "", months: tuple[str, str] | None = None
    ) -> list[StoredTableFile]:
        """The files of a table; of a project, a machine and months (first, last) where they are named."""
        first, last = months or ("", "9999-99")
        every = {file.path: file for name in sorted(self.parts) for file in self.parts[name].files}
        return [
            file
            for file in every.values()
            if file.table == table
            and project in ("", file.project)
            and machine in ("", file.machine or machine)
            and (not file.month or first <= file.month <= last)
        ]


def live_files(store: StoreFiles) -> LiveFiles:
    """The files of ``store`` that count; none where there is no store yet.

    Raises:
        UsageError: it was written by a newer tbp.
        UnreadableInput: it cannot be reached.
    """
    parts: dict[str, Part] = {}
    problems = []
    for name, size in sorted(store.sizes(PARTS).items()):
        if not name.endswith(".json"):
            continue
        try:
            if size > MOST_PART_BYTES:
                raise msgspec.DecodeError(f"of {size >> 20} MB")
            parts[name] = _part(store, name)
        except FileNotFoundError:  # replaced since it was listed
            continue
        except msgspec.DecodeError as error:
            problems.append(f"{store}: {name} was left out: it holds no part ({error}); {_again(name)}")
    replaced = {name for part in parts.values() for name in part.replaces} & parts.keys()
    live = {name: part for name, part in parts.items() if name not in replaced}
    sizes = store.sizes(DATA) if live else {}
    for name, part in list(live.items()):
        if fault := next(filter(None, (_fault(file, sizes.get(file.path)) for file in part.files)), ""):
            del live[name]
            problems.append(f"{store}: {name} was left out: {fault}; {_again(name)}")
    return LiveFiles(live, tuple(problems), parts)


def _again(name: str) -> str:
    return f"ingest its results again, and remove {name}"


def required(store: StoreFiles) -> LiveFiles:
    """``live_files`` of a store that must be there.

    Raises:
        NothingMeasured: there is none.
        UnreadableInput: nothing of it can be used.
    """
    live = live_files(store)
    if not live.parts and live.problems:
        raise UnreadableInput(live.problems[0])
    if not live.parts:
        raise NothingMeasured(f"there is no store at {store}; `tbp ingest RESULTS --store {store}` makes one")
    return live


def _part(store: StoreFiles, name: str) -> Part:
    content = store.read(name)
    version = msgspec.json.decode(content, type=_Numbered).format
    if version > FORMAT:
        raise UsageError(f"the store {store} has format {version}, and this tbp reads up to {FORMAT}: update tbp")
    part = msgspec.json.decode(content, type=Part)
    if any(not _PATH.fullmatch(file.path) or file.table not in TABLES for file in part.files):
        raise msgspec.DecodeError("it names no files of a store")
    return part


class _Numbered(Struct):
    format: int


def _fault(file: StoredTableFile, size: int | None) -> str:
    if size is None:
        return f"its file {file.path} is missing"
    return f"its file {file.path} is half written ({size} of {file.size} bytes)" if size != file.size else ""


def put_part(
    store: StoreFiles, tables: Iterable[tuple[str, str, pa.Table]], written: int, replaces: Sequence[str] = (),
    standing: Sequence[StoredTableFile] = (),
) -> str:  # fmt: skip
    """Adds a part of ``tables`` (table, project, rows) and of files that are there already; its name.

    Raises UnreadableInput where the store cannot be written; it is as it was then.
    """
    files = [*standing, *(file for table, project, rows in tables for file in put_rows(store, table, project, rows))]
    part = Part(FORMAT, written, tuple(sorted(files, key=lambda file: file.path)), tuple(replaces))
    content = msgspec.json.encode(part)
    name = f"{PARTS}/{_digest(content)}.json"
    store.put(name, content)
    return name


def put_rows(store: StoreFiles, table: str, project: str, rows: pa.Table) -> Iterator[StoredTableFile]:
    """Writes the rows of one project: a file for each machine and month where the table is partitioned."""
    for machine, month, divided in _partitions(table, rows):
        if order := SORTED_BY.get(table):
            divided = divided.sort_by([(name, "ascending") for name in order])
        content = parquet(divided)
        folder = f"{DATA}/{table}/project={path_part(project)}"
        if table in PARTITIONED:
            folder += f"/machine={path_part(machine)}/month={month}"
        path = f"{folder}/{_digest(content)}.parquet"
        store.put(path, content)
        yield StoredTableFile(table, path, divided.num_rows, len(content), project, machine, month)


def _partitions(table: str, rows: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
    if not rows.num_rows:
        return
    if table not in PARTITIONED:
        yield "", "", rows
        return
    compute = library("pyarrow.compute")
    months = compute.strftime(rows["date" if table == "points" else "started"], format="%Y-%m").cast("string")
    groups = rows.select(["machine"]).append_column("month", months).group_by(["machine", "month"]).aggregate([])
    for machine, month in sorted(zip(groups["machine"].to_pylist(), groups["month"].to_pylist(), strict=True)):
        is_of = compute.and_(compute.equal(rows["machine"], machine), compute.equal(months, month))
        yield machine, month, rows.filter(is_of)


def parquet(rows: pa.Table) -> bytes:
    """``rows`` as a Parquet file."""
    buffer = BytesIO()
    library("pyarrow.parquet").write_table(rows, buffer, compression="zstd", row_group_size=GROUP_ROWS)
    return buffer.getvalue()


def table_of(name: str, values: Mapping[str, object]) -> pa.Table:
    """The rows of a table from its columns; those that are missing are null."""
    pa = library("pyarrow")
    wanted = schema(name)
    length = max((len(column) for column in values.values()), default=0)  # type: ignore[arg-type]  # columns are sized
    arrays = [
        _array(pa, values[field.name], field.type) if field.name in values else pa.nulls(length, field.type)
        for field in wanted
    ]
    return pa.table(arrays, schema=wanted)


def _array(pa: Any, values: Any, kind: pa.DataType) -> pa.Array:
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        is_numbers = isinstance(values, np.ndarray)
        values = pa.array(values, type=None if is_numbers else kind, from_pandas=True)
    return values if values.type == kind else values.cast(kind)


def path_part(name: str) -> str:
    """A project or a machine as a part of a path, percent-encoded as Hive does it."""
    quoted = quote(name, safe="")
    return quoted if len(quoted) <= MOST_NAME else f"{quoted[:MOST_NAME]}-{_digest(name.encode())}"


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
