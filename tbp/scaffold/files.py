"""Files that a project lacks: compared with what is there, shown as a difference, and written whole.

Takes ``Proposal``s, which say what a file should hold. A file that is there and holds something else is kept, unless
it is only added to, or ``is_forced``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from tbp.errors import UsageError
from tbp.system.bounded import OutOfBounds, read_plain
from tbp.system.locks import alone_in
from tbp.system.whole_files import write_whole

MOST_BYTES = 4_000_000


class Proposal(Struct, frozen=True):
    """A file with the text that tbp would give it, made of the text that it has."""

    path: Path
    text: Callable[[str], str]
    adds: bool = False  # the text that is there stays in it
    purpose: str = ""  # in a few words, for whoever reads the list


class FileFate(StrEnum):
    """The future of a proposed file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "as it is"
    KEPT = "kept"


class PlannedFile(Struct, frozen=True):
    """A proposal beside the file that is there."""

    path: Path
    fate: FileFate
    before: str  # empty where there is no file
    after: str
    purpose: str = ""

    @property
    def is_written(self) -> bool:
        return self.fate in (FileFate.NEW, FileFate.CHANGED)


def planned(proposals: Iterable[Proposal], is_forced: bool) -> tuple[PlannedFile, ...]:
    """The proposals beside the files that are there. Raises UsageError where one cannot be read."""
    return tuple(_planned(proposal, is_forced) for proposal in proposals)


def _planned(proposal: Proposal, is_forced: bool) -> PlannedFile:
    before = _text(proposal.path)
    after = proposal.text(before or "")
    if before is None:
        fate = FileFate.NEW
    elif before == after:
        fate = FileFate.SAME
    else:
        fate = FileFate.CHANGED if proposal.adds or is_forced else FileFate.KEPT
    return PlannedFile(proposal.path, fate, before or "", after, proposal.purpose)


def _text(path: Path) -> str | None:
    """The text of a file, with its own line ends; None without one."""
    try:
        return read_plain(path, MOST_BYTES).decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text: save it as such, and run `tbp init` again") from None
    except (OutOfBounds, OSError) as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror or error}; move it away, and run `tbp init` again"
        ) from None


def difference(files: Sequence[PlannedFile], folder: Path) -> str:
    """The unified difference that writing makes, with paths relative to ``folder``."""
    return "".join(_difference(file, folder) for file in files if file.is_written)


def _difference(file: PlannedFile, folder: Path) -> str:
    name = file.path.relative_to(folder).as_posix()
    old = "/dev/null" if file.fate is FileFate.NEW else f"a/{name}"
    before, after = (text.splitlines(keepends=True) for text in (file.before, file.after))
    lines = list(unified_diff(before, after, old, f"b/{name}"))
    if not lines:  # an empty file has no lines to show
        lines = [f"--- {old}\n", f"+++ b/{name}\n"]
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def write(files: Sequence[PlannedFile], folder: Path, top: Path) -> None:
    """Writes what is planned, each file whole, in their order; ``top`` is of the repository around ``folder``.

    Raises UsageError where a link leads out of the repository, and then nothing is written; and where a file cannot be
    written, or was changed meanwhile: those before it stay written.
    """
    for file in files:
        if file.is_written and not file.path.resolve().is_relative_to(top.resolve()):
            raise UsageError(f"{file.path} is a link out of the repository: replace it, and run `tbp init` again")
    done: list[str] = []
    with alone_in(folder):
        for file in files:
            if not file.is_written:
                continue
            if (_text(file.path) or "") != file.before:
                raise UsageError(f"{file.path} was changed meanwhile: run `tbp init` again")
            try:
                file.path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(file.path.resolve(), file.after.encode())
            except OSError as error:
                written = f"; written by now: {', '.join(done)}" if done else "; nothing was written"
                raise UsageError(
                    f"cannot write {file.path}: {error.strerror or error}{written}. Make the folder writable, and run "
                    "`tbp init` again: it goes on from there"
                ) from None
            done.append(file.path.name)
