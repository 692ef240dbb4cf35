"""The command line, ``tbp`` and ``python -m tbp``: one line on stderr for every error tbp raises on purpose."""

from __future__ import annotations

import gc
import os
import sys

from tbp.errors import ExitCode, TbpError


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
        return 130
    except BrokenPipeError:
        # The reader of our output went away (``tbp report | head``): no error of ours, and nothing left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)


def run() -> int:
    """``main`` of a process of its own."""
    # A command ends before garbage could fill the memory, and looking for it takes a twentieth of a report's time, at
    # the end as much again.
    gc.set_threshold(100_000, 50, 100)
    code = main()
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(run())
