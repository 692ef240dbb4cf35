"""Files that appear complete or not at all, also when the process is killed or the disk is full."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# `tbp nightly` clears hidden files of this name away that killed runs left in the results.
UNFINISHED = ".unfinished-"


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, on the disk when this returns. Raises OSError, and then ``path`` is as it was."""
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.chmod(0o644)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
