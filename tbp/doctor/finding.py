"""A finding: a fact of a machine that stands in the way of a measurement, and the way out of it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How much a finding matters."""

    GRAVE = "grave"  # numbers that are measured now mean something else, or vary by tens of per cent
    WARNING = "warning"  # noise that can be avoided
    NOTE = "note"  # worth knowing; a measurement is sound without it


class Finding(Struct, frozen=True):
    """A finding always has a ``fix``, or the ``remark`` says why there is none here."""

    severity: Severity
    subject: str
    sentence: str  # a fact, and its effect on a measurement
    fix: str = ""  # a command line, words in capitals to be filled in; empty: there is none
    remark: str = ""  # where the fix belongs or what it costs; why there is none
