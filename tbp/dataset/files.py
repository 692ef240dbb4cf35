"""The files of a store, wherever they are: a folder, or a URL that fsspec knows.

Takes a path or URL. Gives files by their names below it: lists them, reads them, puts new ones and removes old ones. A
file that is put is whole or not there: on a disk it is renamed into its place, and an object store takes no half of
one. What the files mean is left to ``tbp.dataset.parts``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tbp.errors import UnreadableInput, UsageError
from tbp.system.whole_files import write_new, write_whole

if TYPE_CHECKING:
    from types import ModuleType

EXTRA = "pip install 'tbp-perf[store]'"
_SECRET = re.compile(r"(?<=//)[^/@]*@|[?#].*")  # a user, a password, a token: none of it is shown


class StoreFiles(Struct, frozen=True, dict=True):
    """The files of the store at ``uri``."""

    uri: str

    def __str__(self) -> str:
        return _SECRET.sub("", self.uri)

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """fsspec's file system, and the path of the store in it. Raises UsageError."""
        fsspec = library("fsspec")
        try:
            system, path = fsspec.core.url_to_fs(self.uri)
        except ImportError as error:
            raise UsageError(f"--store {self} needs a package that is not installed: {error}") from None
        except ValueError:
            raise UsageError(
                f"--store {self}: there is no such kind of address; name a folder, or a URL such as s3://…"
            ) from None
        return system, str(path).rstrip("/")

    @property
    def system(self) -> Any:
        """fsspec's file system."""
        return self._opened[0]

    @property
    def protocol(self) -> str:
        """The first part of the addresses of its files: "s3"."""
        return _protocols(self.system)[0]

    @property
    def is_local(self) -> bool:
        """True of a folder on a disk of this machine."""
        return "file" in _protocols(self.system)

    def address(self, name: str) -> str:
        """The address of a file as DuckDB takes it."""
        path = f"{self._opened[1]}/{name}"
        return path if self.is_local else f"{self.protocol}://{path}"

    def sizes(self, folder: str) -> Mapping[str, int]:
        """The bytes of each file below a folder, by its name below the store; empty where there is no such folder."""
        system, root = self._opened
        with self._reached():
            system.invalidate_cache()
            try:
                listed = system.find(f"{root}/{folder}", detail=True)
            except FileNotFoundError:
                return {}
        return {path[len(root) + 1 :]: int(entry["size"] or 0) for path, entry in listed.items()}

    def written_ms(self, name: str) -> float:
        """When a file was written, ms since 1970; never, where the file system does not know or the file is gone."""
        system, root = self._opened
        with self._reached():
            try:
                return float(system.modified(f"{root}/{name}").timestamp() * 1000)
            except (FileNotFoundError, NotImplementedError):
                return math.inf

    def read(self, name: str) -> bytes:
        """The content of a file. Raises FileNotFoundError, and UnreadableInput where the store cannot be reached."""
        with self._reached():
            return bytes(self.system.cat_file(f"{self._opened[1]}/{name}"))

    def put(self, name: str, content: bytes) -> None:
        """Writes a file. Raises UnreadableInput, and then there is no such file or the one from before."""
        system, root = self._opened
        path = f"{root}/{name}"
        with self._reached():
            if self.is_local:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                write_whole(Path(path), content)
            else:
                system.makedirs(path.rpartition("/")[0], exist_ok=True)
                system.pipe_file(path, content)

    def create(self, name: str, content: bytes) -> bool:
        """Writes a file that is not there yet; False where it is: of several writers one succeeds.

        fsspec's own writing asks first and writes then, so that two may believe that they succeed. The systems of S3,
        Google Cloud and Azure, and a disk, do better. Raises UnreadableInput.
        """
        system, root = self._opened
        path = f"{root}/{name}"
        with self._reached():
            try:
                if self.is_local:
                    Path(path).parent.mkdir(parents=True, exist_ok=True)
                    write_new(Path(path), content)
                else:
                    system.makedirs(path.rpartition("/")[0], exist_ok=True)
                    system.pipe_file(path, content, mode="create")
            except FileExistsError:
                return False
            except OSError:  # some stores refuse in words of their own
                if not system.exists(path):
                    raise
                return False
        return True

    def remove(self, names: Iterable[str]) -> None:
        """Removes files; some may be gone already, as another process removes them too."""
        system, root = self._opened
        with self._reached():
            for name in names:
                try:
                    system.rm_file(f"{root}/{name}")
                except FileNotFoundError:
                    continue

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """A block whose errors of the file system become one line."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise UnreadableInput(
                f"the store {self} cannot be used ({reason}); check the address and the rights to it, and run it "
                "again: nothing in it is lost"
            ) from None


def _protocols(system: Any) -> tuple[str, ...]:
    names = system.protocol
    return (names,) if isinstance(names, str) else tuple(names)


def library(name: str) -> ModuleType:
    """A module of the extra ``store``. Raises UsageError where it is not installed."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise UsageError(f"a store needs {name.partition('.')[0]}, which is not installed: {EXTRA}") from None
