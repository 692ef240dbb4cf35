"""A results folder → its result files as columns; those that were read before are taken from the store.

Takes the folder as ``asv run`` writes it (``<machine>/<commit>-<environment>.json``). New files are parsed by several
processes, and kept (``tbp.system.store``) by a digest of their path and bytes, so that the next report pays for new
files only. The meaning of the files together is left to ``tbp.asv.results``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np

from tbp.asv.result_file import Counts, ResultFile, result_file
from tbp.asv.result_json import UnusableFile
from tbp.system.arrays import Floats
from tbp.system.bounded import read_plain
from tbp.system.parallel import batched, mapped
from tbp.system.store import Store, key_of

NOT_RESULTS = {"machine.json", "benchmarks.json"}
NAMESPACE = "results"
# Smaller folders are parsed in 0.2 s anyway, and would only fill the store.
WORTH_BYTES = 8_000_000
# Of one file. The largest seen has 2 MB; a thousand benchmarks of a thousand samples each, 30 MB.
MOST_BYTES = 256_000_000
BATCH_BYTES = 10_000_000  # of JSON: some 40 MB while they are being parsed
FILE_S, BYTE_S = 30e-6, 10e-9  # to parse a file on a slow core, and each of its bytes

_DTYPES = {Floats: np.float64, Counts: np.int64}
_ENCODER = msgspec.msgpack.Encoder(enc_hook=lambda array: array.tobytes())
_DECODER = msgspec.msgpack.Decoder(ResultFile, dec_hook=lambda kind, data: np.frombuffer(data, _DTYPES[kind]))


class ReadFiles(msgspec.Struct, frozen=True, eq=False):
    """The result files of a folder."""

    files: list[ResultFile]  # those that can be used, in order of their paths
    problems: list[str]  # sentences: a file, or a part of it, that could not be used, and the remedy
    left_out: int  # files that could not be used


class ParsedFile(msgspec.Struct, frozen=True, eq=False):
    """A file that was parsed; without ``file`` it cannot be used, and ``problem`` is the reason."""

    key: bytes
    file: ResultFile | None
    problem: str = ""


def read_files(results_dir: Path, cache: bool = True) -> ReadFiles:
    """Every result file of a machine's folder in ``results_dir``; with ``cache`` those of large folders are kept."""
    problems: list[str] = []
    sizes = result_sizes(results_dir, problems)
    store = Store(NAMESPACE)
    is_worth = cache and store.is_there and sum(sizes.values()) >= WORTH_BYTES
    stored = _stored(store, list(sizes)) if is_worth and store.is_filled else {}
    unknown = [path for path in sizes if path not in stored]
    parsed = dict(zip(unknown, parsed_files(unknown, [sizes[path] for path in unknown]), strict=True))
    if is_worth:
        store.keep({new.key: _ENCODER.encode(new.file) for new in parsed.values() if new.file is not None})
    files = stored | {path: new.file for path, new in parsed.items() if new.file is not None}
    left_out = len(problems) + len(sizes) - len(files)
    problems += [new.problem for new in parsed.values() if new.problem]
    problems += [f"{path}: {problem}" for path in sizes if path in files for problem in files[path].problems]
    return ReadFiles([files[path] for path in sizes if path in files], problems, left_out)


def result_sizes(results_dir: Path, problems: list[str]) -> dict[Path, int]:
    """The files that should be results, sorted, with their sizes in bytes; names those that cannot be looked at."""
    sizes = {}
    for folder in sorted(path for path in results_dir.iterdir() if path.name not in NOT_RESULTS and not path.is_file()):
        try:
            inside = sorted(folder.iterdir())
        except NotADirectoryError:  # a pipe
            continue
        except OSError as error:
            problems.append(f"{folder} was left out: it cannot be opened ({error.strerror}); correct it or its rights")
            continue
        for path in (path for path in inside if path.name.endswith(".json") and path.name not in NOT_RESULTS):
            try:
                sizes[path] = path.stat().st_size
            except OSError as error:
                if path.is_symlink() or not isinstance(error, FileNotFoundError):  # else asv replaces it just now
                    problems.append(_left_out(path, error))
    return sizes


def _left_out(path: Path, error: OSError | UnusableFile) -> str:
    reason = f"cannot be opened ({error.strerror})" if isinstance(error, OSError) else error
    return f"{path} was left out: it {reason}; delete it and run `asv run` again for its commit"


def _stored(store: Store, paths: Sequence[Path]) -> dict[Path, ResultFile]:
    """The files of ``paths`` that were parsed before as they are now."""
    keys = {}
    for path in paths:
        try:
            keys[path] = result_key(path, read_plain(path, MOST_BYTES))
        except OSError:
            continue  # named among the problems when it is parsed
    known = store.known(list(keys.values()))
    decoded = ((path, _decoded(known[key])) for path, key in keys.items() if key in known)
    return {path: file for path, file in decoded if file is not None}


def result_key(path: Path, data: bytes) -> bytes:
    """A digest of a file: of its bytes, and of its path below the results folder, which may name machine and run."""
    return key_of(os.fsencode("/".join(path.parts[-2:])), data)


def _decoded(payload: bytes) -> ResultFile | None:
    """The file that was kept; None for a payload of another shape."""
    try:
        file = _DECODER.decode(payload)
    except (msgspec.DecodeError, ValueError):  # ValueError: half a number
        return None
    lengths = {len(file.value), len(file.q25), len(file.q75), len(file.number), int(file.counts.sum())}
    is_whole = len(lengths) == 1 and len(file.benchmarks) == len(file.counts) == len(file.started_ms)
    return file if is_whole else None


def parsed_files(paths: Sequence[Path], sizes: Sequence[int]) -> list[ParsedFile]:
    """Every file of ``paths``, in order, parsed by several processes where their ``sizes`` in bytes are worth it."""
    seconds = len(paths) * FILE_S + sum(sizes) * BYTE_S
    return list(
        chain.from_iterable(
            mapped(_parse, batched(paths, sizes, BATCH_BYTES), seconds=seconds, paths=list, doing="reading results")
        )
    )


def _parse(paths: Sequence[Path]) -> list[ParsedFile]:
    parsed = []
    for path in paths:
        key = b""
        try:
            # Read and digested again, 0.2 CPU s of 129 MB: asv may have replaced the file since ``_stored`` looked, and
            # what is kept under a key has to be parsed from the bytes that the key is of.
            data = read_plain(path, MOST_BYTES)
            key = result_key(path, data)
            parsed.append(ParsedFile(key, result_file(path.name, path.parent.name, data)))
        except (OSError, UnusableFile) as error:
            parsed.append(ParsedFile(key, None, _left_out(path, error)))
    return parsed
