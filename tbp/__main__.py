"""The command line, ``tbp`` and ``python -m tbp``: one line on stderr for every error tbp raises on purpose."""

from __future__ import annotations

import errno
import gc
import os
import sys
from typing import NoReturn

from tbp.errors import ExitCode, TbpError

_FULL = (errno.ENOSPC, errno.EDQUOT)  # wherever it was met: a disk, a quota, the file that stdout is


def main(arguments: list[str] | None = None) -> int:
    """Run one verb and return its exit code; see ``tbp.errors.ExitCode``."""
    from tbp.cli import parse

    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(options.verb(options))
    except TbpError as error:
        print(f"tbp: {error}", file=sys.stderr)
        return int(error.exit_code)
    except KeyboardInterrupt:
        print("tbp: interrupted; what was measured before is kept", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output went away (``tbp report | head``): no error of ours, and nothing left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        print(f"tbp: {error.strerror}: make room and run it again; what was measured before is kept", file=sys.stderr)
        return int(ExitCode.USAGE)


def run() -> NoReturn:
    """``main`` of a process of its own, which ends with it."""
    # A command ends before garbage could fill the memory, and looking for it takes a twentieth of a report's time.
    gc.set_threshold(100_000, 50, 100)
    code = main()
    if not _is_said():
        code = int(ExitCode.USAGE)
    os._exit(code)  # taking every object apart takes as long as finding a report that stands


def _is_said() -> bool:
    """True where what was printed has left this process; a reader who went away wants no more, as in ``main``."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # it is where the caller has closed it
                stream.flush()
    except BrokenPipeError:
        return True
    except OSError as error:
        print(f"tbp: the output cannot be written: {error.strerror}", file=sys.stderr, flush=True)
        return False
    return True


if __name__ == "__main__":
    run()
