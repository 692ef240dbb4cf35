"""Every error tbp raises on purpose; each message says what to do next.

TbpError                    exit code 2 unless it says otherwise
├── UsageError              an argument or a configuration that cannot be meant
├── UnreadableInput         a file or repository that cannot be read
│   └── UnreadableTrace     … a profiler trace
├── UnusableCluster         a scheduler that does not answer, or workers that cannot do the work
├── NothingMeasured         exit code 4: no result to speak of
├── RunFailed               exit code 4: asv or git failed; what was measured before is kept
└── NotDelivered            exit code 4: a server did not take a message; those that it took are noted
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of ``tbp``. 1 is left to crashes, so that a crash is never read as a verdict."""

    OK = 0
    USAGE = 2
    REGRESSION = 3
    NOTHING_MEASURED = 4
    UNDECIDED = 5
    INTERRUPTED = 130  # as a shell says of what Ctrl-C ended


class TbpError(Exception):
    """Base of all of them; ``exit_code`` is what the command line ends with."""

    exit_code = ExitCode.USAGE


class UsageError(TbpError):
    """An argument or a configuration value that cannot be meant."""


class UnreadableInput(TbpError):
    """A file or a repository that cannot be read."""


class UnreadableTrace(UnreadableInput):
    """A file that holds no readable profiler trace."""


class UnusableCluster(TbpError):
    """A scheduler that does not answer, or workers that cannot do what this process would."""


class NothingMeasured(TbpError):
    """There is no result to speak of."""

    exit_code = ExitCode.NOTHING_MEASURED


class RunFailed(TbpError):
    """asv or git failed; what had been measured before is kept."""

    exit_code = ExitCode.NOTHING_MEASURED


class NotDelivered(TbpError):
    """A server did not take a message; ``status`` is that of its answer, 0 where none came."""

    exit_code = ExitCode.NOTHING_MEASURED

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
