"""Silence for libraries that print, log and warn about what is none of the caller's business.

torchao looks for CUDA libraries on every machine and says which it lacks; torch's exporter does the same for
torchvision, and both warn of each other. Errors still come through, as exceptions.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """No output, no log record below an error and no warning inside the block, in the whole process."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
