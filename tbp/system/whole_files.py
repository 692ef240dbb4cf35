"""Files that appear complete or not at all, also when the process is killed or the disk is full."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# `tbp nightly` removes hidden files of this name that killed runs left in the results (``tbp.asv.leftovers``).
UNFINISHED = ".unfinished-"


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, on the disk when this returns. Raises OSError, and then ``path`` is as it was."""
    with whole_file(path) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, at the end whole at ``path`` and on the disk; after any exception ``path`` is as it was."""
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.chmod(0o644)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
