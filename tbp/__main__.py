"""The command line, ``tbp`` and ``python -m tbp``: one line on stderr for every error tbp raises on purpose."""

from __future__ import annotations

import errno
import gc
import os
import sys
from typing import NoReturn

from tbp.errors import ExitCode, TbpError
from tbp.system.printing import discard, guard, guarded, warn

_FULL = (errno.ENOSPC, errno.EDQUOT)  # wherever it was met: a disk, a quota, the file that stdout is
_MOST_SHOWN = 200  # characters of a path


def main(arguments: list[str] | None = None) -> int:
    """Run one verb and return its exit code; see ``tbp.errors.ExitCode``.

    A reader of the output who went away (``tbp report | head``) does not change it: the verb goes on in silence.
    """
    with guarded():
        return _exit_code(sys.argv[1:] if arguments is None else arguments)


def _exit_code(arguments: list[str]) -> int:
    from tbp.cli import parse

    options = parse(arguments)
    if sys.platform == "win32":
        warn("tbp: tbp runs on Linux and macOS; on Windows, run it in WSL")
        return int(ExitCode.USAGE)
    from tbp.system.bounded import require_address_space  # which --help goes without
    from tbp.system.schedulers import shared_by

    try:
        require_address_space()
        with shared_by(getattr(options, "scheduler", "")):
            return int(options.verb(options))
    except TbpError as error:
        warn(f"tbp: {error}")
        return int(error.exit_code)
    except OSError as error:
        warn(f"tbp: {_reason(error)}")
        return int(ExitCode.USAGE)
    except MemoryError:
        warn("tbp: the memory is full: end other programs, or report of fewer results")
        return int(ExitCode.USAGE)
    except (KeyboardInterrupt, Exception) as error:
        if not _is_interrupt(error):
            raise
        warn("tbp: interrupted; what was measured before is kept")
        return int(ExitCode.INTERRUPTED)


def _is_interrupt(error: BaseException | None) -> bool:
    """True for an interrupt, also where a library made another error of it, as numpy's comparison of rows does."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _reason(error: OSError) -> str:
    """A sentence on what the system refused, whose file may have a name of any length."""
    if error.errno in _FULL:
        return f"{error.strerror}: make room and run it again; what was measured before is kept"
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    shown = f"{name if len(name) <= _MOST_SHOWN else f'{name[:_MOST_SHOWN]}…'}: " if name else ""
    return f"{shown}{error.strerror or error}; check the path and the rights to it"


def run() -> NoReturn:
    """Ends the process with the exit code of ``main``."""
    guard()
    # A report makes millions of objects that stay. Looking for cycles among them took a tenth: 2.64 → 2.23 s
    # of 3,170 files, 6.4 → 5.6 s of 200 series over 1,000 commits (Python's own threshold is 700).
    gc.set_threshold(50_000, 20, 100)
    code = main()
    sys.exit(code if _is_written() else int(ExitCode.USAGE))


def _is_written() -> bool:
    """True where all output has left this process, or its reader has."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # it is where the caller has closed it
                stream.flush()
        except OSError as error:
            discard(stream)
            warn(f"tbp: the output cannot be written: {error.strerror}")
            return False
    return True


if __name__ == "__main__":
    # Python looks for modules in the current folder first, which may be a repository with a folder called numpy.
    if not sys.flags.safe_path and not __file__.startswith(sys.path[0]):
        del sys.path[0]
    run()
