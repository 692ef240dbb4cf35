"""The command line, ``tbp`` and ``python -m tbp``: one line on stderr for every error tbp raises on purpose."""

from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn, TextIO

from tbp.errors import ExitCode, TbpError

_FULL = (errno.ENOSPC, errno.EDQUOT)  # wherever it was met: a disk, a quota, the file that stdout is
_MOST_SHOWN = 200  # characters of a path


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
        _discard(sys.stdout)
        return int(ExitCode.OK)
    except OSError as error:
        print(f"tbp: {_reason(error)}", file=sys.stderr)
        return int(ExitCode.USAGE)
    except MemoryError:
        print("tbp: the memory is full: end other programs, or report of fewer results", file=sys.stderr)
        return int(ExitCode.USAGE)


def _reason(error: OSError) -> str:
    """A sentence on what the system refused, whose file may have a name of any length."""
    if error.errno in _FULL:
        return f"{error.strerror}: make room and run it again; what was measured before is kept"
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    shown = f"{name if len(name) <= _MOST_SHOWN else f'{name[:_MOST_SHOWN]}…'}: " if name else ""
    return f"{shown}{error.strerror or error}; check the path and the rights to it"


def run() -> NoReturn:
    """Ends the process with the exit code of ``main``."""
    code = main()
    sys.exit(code if _is_written() else int(ExitCode.USAGE))


def _is_written() -> bool:
    """True where all output has left this process; a reader who went away wants no more, as in ``main``."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # it is where the caller has closed it
                stream.flush()
        except BrokenPipeError:
            _discard(stream)
        except OSError as error:
            _discard(stream)
            print(f"tbp: the output cannot be written: {error.strerror}", file=sys.stderr, flush=True)
            return False
    return True


def _discard(stream: TextIO) -> None:
    """Let what is still in the buffer of ``stream`` go nowhere, or Python fails to write it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    run()
