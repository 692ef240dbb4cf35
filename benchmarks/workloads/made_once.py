"""Values that are slow to make and always the same, made once for all processes: trained weights, exported graphs.

asv builds each cell anew in every process. A value made from the same content has the same key, and is read from a
folder of the user's among the temporary files. Removing the folder is safe: what is missing is made again.
"""

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tbp import bench

# A night makes 20. The trained task of one commit takes 13 MB, a graph of width 512 up to 25 MB.
MOST_FILES = 40

Tensors = dict[str, Any]
"""Values that ``torch.load`` reads with ``weights_only``: tensors, numbers and texts, and dictionaries of them."""


def made_once(key: str, make: Callable[[], Tensors]) -> Tensors:
    """The value stored under ``key``, else the one of ``make``, which is stored for the next ``MOST_FILES`` values."""
    path = _folder() / f"{key}.pt"
    if not path.exists():
        handle, unfinished = tempfile.mkstemp(dir=path.parent)
        os.close(handle)
        try:
            torch.save(make(), unfinished)
            Path(unfinished).replace(path)
            _remove_the_oldest(path.parent)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    value: Tensors = torch.load(path, weights_only=True)
    return value


def key_of(*contents: bytes | str | Path) -> str:
    """A digest of the contents, of the code under test, and of torch and Python."""
    digest = hashlib.sha256(f"{sys.version} {torch.__version__}".encode())
    sources = [path for path in contents if isinstance(path, Path)]
    for room in ("tbp.blocks", "tbp.training", "tbp.compression"):
        bench.subject(room, "__all__")
        sources += Path(sys.modules[room].__file__ or "").parent.glob("*.py")
    for path in sorted(sources):
        digest.update(path.name.encode() + path.read_bytes())
    for content in contents:
        if not isinstance(content, Path):
            digest.update(content.encode() if isinstance(content, str) else content)
    return digest.hexdigest()[:32]


def _remove_the_oldest(folder: Path) -> None:
    # Unfinished files of killed processes too.
    newest_first = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[MOST_FILES:]:
        path.unlink(missing_ok=True)


def _folder() -> Path:
    """The folder of the values.

    Raises:
        PermissionError: others can write there, and so could leave other weights.
    """
    folder = Path(tempfile.gettempdir()) / f"tbp-made-once-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise PermissionError(f"others than you can write to {folder}; remove it, or set TMPDIR to another folder")
    return folder
