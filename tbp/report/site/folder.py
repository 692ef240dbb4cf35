"""The folder of a site: whose it is, what killed reports left in it, and that one report at a time writes it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tbp.errors import UsageError
from tbp.report.base.render import MARK
from tbp.report.parts.addresses import INDEX
from tbp.system.locks import alone_in
from tbp.system.whole_files import remove_unfinished

# They carry no mark, as programs read them.
DATA_FILES = ("summary.json", "points.csv", "points.csv.gz", "feed.xml")
NEW = ".tbp-"  # how the folder of files begins that wait for their places


@contextmanager
def site_folder(out: Path, waits: Callable[[], None]) -> Iterator[None]:
    """A block in which only this process writes the site in ``out``; ``waits`` is called where another one does.

    Raises:
        UsageError: ``out`` holds files that are not a site's.
        OSError: it cannot be made or read.
    """
    out.mkdir(parents=True, exist_ok=True)
    with alone_in(out, waits):
        _require_ours(out)
        for path in out.glob(f"{NEW}*"):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
        remove_unfinished(out)
        yield


def _require_ours(out: Path) -> None:
    index = out / INDEX
    if index.exists():
        foreign = [] if is_ours(index) else [index]
    else:
        foreign = [] if _is_begun(out) else [out / name for name in DATA_FILES if (out / name).exists()]
    if foreign:
        raise UsageError(f"{foreign[0]} was not written by tbp; choose an empty folder for the report")


def _is_begun(out: Path) -> bool:
    """True where a first report was ended while it moved its files: scripts come before data, and the index last."""
    return any(is_ours(path) for path in (out / "static").glob("*/*.js"))


def moving_order(name: str) -> int:
    """The rank in which the files of a site take their places."""
    return 2 if name == INDEX else 1 if name in DATA_FILES else 0


def is_ours(path: Path) -> bool:
    """True where a file carries the mark of tbp's reports."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(200)
