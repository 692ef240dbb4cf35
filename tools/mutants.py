"""Mutants of the pure analysis, and how many of them its own quick tests notice.

    python tools/mutants.py [--mutants 160] [--seed 0] [--from 0] [--only tbp/detection] [--list]

A mutant is one module with one change: a comparison turned round, a limit moved by one, a constant changed, a term
dropped, ``and`` for ``or``, a ``not`` removed. A seeded sample is drawn over all modules. Each mutant is tried in a
fork of a process that has collected the tests, so no file changes: those of TESTS that run its lines, the tests of its
module first, then the quickest. A constant of a module is tried by those that run a line with its name. A line is
printed for each mutant; the exit code is 0 whatever survives. ``--only tbp/detection/ends.py:74`` takes one line.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import gc
import hashlib
import importlib.abc
import importlib.util
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, TypeAlias

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The pure analysis, and the tests of its rooms without those that record, draw or run anything; the nearest first.
TESTS = {
    "tbp/statistics": ("tests/statistics", "tests/detection", "tests/history/test_paired_evidence.py"),
    "tbp/detection": ("tests/detection", "tests/model"),
    "tbp/traces/calls": (
        "tests/traces/test_nesting.py", "tests/traces/test_operators.py", "tests/traces/test_flops.py",
        "tests/traces/test_device.py", "tests/traces/test_frames.py", "tests/traces/test_idle.py",
        "tests/traces/test_exact.py", "tests/traces/test_quantities.py", "tests/traces/test_names.py",
        "tests/traces/test_processes.py", "tests/traces/test_python_frames.py", "tests/traces/test_merged_ranks.py",
        "tests/traces/test_memory.py", "tests/traces/test_steps.py", "tests/traces/test_roofline.py",
        "tests/traces/test_generated.py",
        "tests/test_properties.py",
    ),
    "tbp/traces/operators": (
        "tests/traces/test_operators.py", "tests/traces/test_exact.py", "tests/traces/test_difference.py",
        "tests/traces/test_operator_files.py", "tests/traces/test_one_run.py", "tests/traces/test_origin.py",
    ),
    "tbp/traces/differences": (
        "tests/traces/test_difference.py", "tests/traces/test_exact.py", "tests/traces/test_frame_difference.py",
        "tests/operator_views/test_time_lost.py", "tests/test_properties.py",
    ),
    "tbp/model": (
        "tests/model", "tests/comparison", "tests/history/test_events.py", "tests/history/test_states.py",
        "tests/history/test_triage.py",
    ),
    "tbp/comparison/judgements.py": ("tests/comparison",),
}  # fmt: skip
MOST_CPU_S = 30  # of the processor, for a mutant: ten times its tests
BASELINE_CPU_S = 600
STORED_EVERY_S = 30.0
LONGEST_S = 2.0  # of a test: what simulates for longer is no quick test
MOST_TESTS = 60  # tried for a constant of a module, for which all is imported again
EVERYWHERE = ("tests/test_structs.py",)  # tried for a change outside of functions
OPTIONS = ["-qq", "-s", "-p", "no:cacheprovider", "-m", "not slow and not browser and not cuda"]
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
# A limit that moves by one is only looked for where counts are compared: of two measured times none are equal.
MOVED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}


Measured: TypeAlias = tuple[float, dict[str, list[int]]]  # of a test: its seconds, and the lines of each file


@dataclass(frozen=True)
class Mutant:
    """One change of one module; ``number`` counts the changes that the module has."""

    path: Path
    number: int
    line: int
    change: str
    lines: tuple[int, int]  # the first and last of its statement, without what the statement encloses
    constant: str  # assigned by the statement outside of functions; "*" there for any other statement, "" in functions

    @property
    def module(self) -> str:
        return ".".join(self.path.with_suffix("").parts)


def changes(tree: ast.Module) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """(node, description, its replacement) of every change; the order is always the same."""
    for node in _code(tree):
        match node:
            case ast.Compare(ops=[operator]):
                for turned in (TURNED, MOVED) if _has_count(node) else (TURNED,):
                    if type(operator) in turned:
                        yield node, "comparison", _with(node, ops=[turned[type(operator)]()])
            case ast.BoolOp():
                yield node, "and/or", _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            case ast.UnaryOp(op=ast.Not()):
                yield node, "not removed", node.operand
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.FloorDiv()):
                yield node, "second term dropped", node.left
                yield node, "first term dropped", node.right
            case ast.Constant(value=bool(value)):
                yield node, "constant", ast.Constant(not value)
            case ast.Constant(value=int(value)):
                yield node, "constant", ast.Constant(value + 1)
            case ast.Constant(value=float(value)):
                yield node, "constant", ast.Constant(value * 2 or 1.0)


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: no annotations, and no texts of messages."""
    for name, field in ast.iter_fields(tree):
        if name in ("annotation", "returns", "exc") or isinstance(tree, ast.JoinedStr):
            continue
        for node in field if isinstance(field, list) else [field]:
            if isinstance(node, ast.AST):
                yield node
                yield from _code(node)


def _has_count(node: ast.Compare) -> bool:
    sides = (node.left, *node.comparators)
    return any(
        (isinstance(side, ast.Constant) and type(side.value) is int)
        or (isinstance(side, ast.Call) and isinstance(side.func, ast.Name) and side.func.id == "len")
        for side in sides
    )


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a module."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    around = dict(_statements(tree))
    return [
        Mutant(path, number, getattr(node, "lineno", 0), f"{kind}: {_text(node)} → {_text(changed)}", *around[node])
        for number, (node, kind, changed) in enumerate(changes(tree))
    ]


def _statements(tree: ast.Module) -> Iterator[tuple[ast.AST, tuple[tuple[int, int], str]]]:
    """Every node with the lines of its innermost statement, and the constant that it assigns."""

    def inside(node: ast.AST, lines: tuple[int, int], constant: str, in_function: bool) -> Iterator[Any]:
        for name, field in ast.iter_fields(node):
            in_body = in_function or (isinstance(node, ast.FunctionDef) and name == "body")
            for child in field if isinstance(field, list) else [field]:
                if isinstance(child, ast.stmt):
                    lines, constant = _own_lines(child), "" if in_body else _assigned(child)
                if isinstance(child, ast.AST):
                    yield child, (lines, constant)
                    yield from inside(child, lines, constant, in_body)

    yield from inside(tree, (0, 0), "*", in_function=False)


def _own_lines(statement: ast.stmt) -> tuple[int, int]:
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if body else statement.end_lineno or 0
    return statement.lineno, max(last, statement.lineno)


def _assigned(statement: ast.stmt) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return targets[0].id if isinstance(targets[0], ast.Name) and statement.col_offset == 0 else "*"


def uses(paths: Sequence[Path]) -> dict[str, set[tuple[str, int]]]:
    """The lines, as (file, line), of all statements in which a name stands."""
    lines_of: dict[str, set[tuple[str, int]]] = {}
    for path in paths:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for node, ((first, last), _) in _statements(tree):
            name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
            if name:
                lines_of.setdefault(name, set()).update((str(ROOT / path), line) for line in range(first, last + 1))
    return lines_of


def _text(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 70 else f"{text[:69]}…"


class _Swap(ast.NodeTransformer):
    def __init__(self, node: ast.AST, changed: ast.AST) -> None:
        self._node, self._changed = node, changed

    def visit(self, node: ast.AST) -> ast.AST:
        return ast.copy_location(self._changed, node) if node is self._node else self.generic_visit(node)


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from the tree of its mutant."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Goes before pytest's importer, which takes all modules of a package with a plugin, and before all imports."""
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(ROOT / self._mutant.path))

    def exec_module(self, module: ModuleType) -> None:
        exec(compiled(self._mutant), module.__dict__)


def compiled(mutant: Mutant) -> CodeType:
    file = ROOT / mutant.path
    tree = ast.parse(file.read_text(encoding="utf-8"))
    node, _, changed = list(changes(tree))[mutant.number]
    _Swap(node, changed).visit(tree)
    code: CodeType = compile(ast.fix_missing_locations(tree), str(file), "exec")
    return code


def swap_code(mutant: Mutant, functions: Sequence[FunctionType], is_mutated: bool) -> bool:
    """Gives those of ``functions`` that are of its module the code of a mutant; False where it is in none of them.

    Without ``is_mutated`` nothing changes, and the answer is the same.
    """
    file = str(ROOT / mutant.path)
    codes = {(code.co_qualname, code.co_firstlineno): code for code in _inside(compiled(mutant))}
    is_swapped = False
    for function in functions:
        code = function.__code__
        changed = codes.get((code.co_qualname, code.co_firstlineno)) if code.co_filename == file else None
        if changed is not None and changed != code:
            with contextlib.suppress(ValueError):  # the mutant closes over other names
                function.__code__ = changed if is_mutated else code.replace()
                is_swapped = True
    return is_swapped


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


@dataclass(frozen=True)
class Quick:
    """A test of the baseline: its time, and the lines of the analysis that it runs, as (file, line)."""

    name: str
    seconds: float
    lines: frozenset[tuple[str, int]]


class Trials:
    """Takes pytest's place after collection: every mutant is a fork of this process, in which all is imported."""

    def __init__(self, chosen: Sequence[Mutant], uses: Mapping[str, set[tuple[str, int]]], baseline: Path) -> None:
        self._chosen, self._uses, self._baseline = chosen, uses, baseline
        self._failed = baseline.with_name(f"{baseline.name}-{os.getpid()}")
        self._functions: list[FunctionType] = []
        self.killed = 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        in_child(lambda: self._measure(session), BASELINE_CPU_S)
        stored = json.loads(self._baseline.read_text())["tests"]
        quick = [
            Quick(name, seconds, frozenset((file, line) for file, lines in lines_of.items() for line in lines))
            for name, (seconds, lines_of) in stored.items()
        ]
        inside = str(ROOT / "tbp")
        of_type = [each for each in gc.get_objects() if type(each) is FunctionType]
        self._functions = [each for each in of_type if each.__code__.co_filename.startswith(inside)]
        gc.freeze()  # else every child copies all that its collector looks at
        for number, mutant in enumerate(self._chosen, start=1):
            names = self._names(quick, mutant)
            began_s = time.monotonic()
            state = self._state(session, mutant, names) if names else "UNTESTED"
            self.killed += state == "killed"
            took = f"{len(names)} tests, {time.monotonic() - began_s:.1f} s"
            print(f"\n{state:8} {mutant.path}:{mutant.line} {mutant.change} ({took})", end="", flush=True)
            if number % 10 == 0:
                print(f"\n{self.killed} of {number}", end="", flush=True)
        return True

    def _names(self, quick: Sequence[Quick], mutant: Mutant) -> list[str]:
        """The tests that run the mutant's lines, those of its module first."""
        file = str(ROOT / mutant.path)
        lines = {(file, line) for line in range(mutant.lines[0], mutant.lines[1] + 1)}
        if mutant.constant == "*":
            lines = {line for test in quick for line in test.lines if line[0] == file}
        elif mutant.constant:
            lines = self._uses.get(mutant.constant, set())
        chosen = [
            (not _is_near(test.name, mutant), test.seconds, test.name)
            for test in quick
            if not lines.isdisjoint(test.lines) or (mutant.constant and _is_near(test.name, mutant))
        ]
        return [name for *_, name in sorted(chosen)]

    def _state(self, session: pytest.Session, mutant: Mutant, names: Sequence[str]) -> str:
        """ "killed" only where the same tests pass, in the same order, without the mutant."""
        self._failed.unlink(missing_ok=True)
        if in_child(lambda: self._try(session, mutant, names, is_mutated=True)) == 0:
            return "SURVIVED"
        if not self._failed.exists():  # it took too long, or ended the process
            return "killed" if in_child(lambda: self._try(session, mutant, names, is_mutated=False)) == 0 else "INVALID"
        until = names[: int(self._failed.read_text()) + 1]
        return "killed" if in_child(lambda: self._try(session, mutant, until, is_mutated=False)) == 0 else "INVALID"

    def _try(self, session: pytest.Session, mutant: Mutant, names: Sequence[str], *, is_mutated: bool) -> int:
        if mutant.constant or not swap_code(mutant, self._functions, is_mutated):
            for module in [name for name in sys.modules if name.split(".")[0] in ("tbp", "tests")]:
                del sys.modules[module]
            plugins = [_Mutated(mutant)] if is_mutated else []
            count = sum(_is_near(name, mutant) for name in names)
            for part, until in ((names[:count], count), (names[count:MOST_TESTS], MOST_TESTS)):
                if part and pytest.main([*OPTIONS, "-x", *part], plugins=plugins):
                    self._failed.write_text(str(until - 1))
                    return 1
            return 0
        item_of = {item.nodeid: item for item in session.items}
        items = [item_of[name] for name in names]
        for number, (item, following) in enumerate(zip(items, [*items[1:], None], strict=True)):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                self._failed.write_text(str(number))
                return 1
        return 0

    def _measure(self, session: pytest.Session) -> int:
        """Adds to the baseline the tests that are new, or ran lines that changed; slow or failed ones have no lines."""
        stored = _unchanged(self._baseline)
        _store(self._baseline, stored)
        items = [item for item in session.items if item.nodeid not in stored]
        stored_s = time.monotonic()
        for item, following in zip(items, [*items[1:], None], strict=False):
            trace, failed = _LineTrace(str(ROOT / "tbp")), session.testsfailed
            sys.settrace(trace)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            sys.settrace(None)
            is_quick = session.testsfailed == failed and trace.seconds <= LONGEST_S
            stored[item.nodeid] = (trace.seconds, trace.lines if is_quick else {})
            if following is None or time.monotonic() - stored_s > STORED_EVERY_S:
                _store(self._baseline, stored)
                stored_s = time.monotonic()
        return 0


def _is_near(test: str, mutant: Mutant) -> bool:
    return f"/test_{mutant.path.stem}.py" in test or test.startswith(EVERYWHERE)


def _store(baseline: Path, tests: Mapping[str, Measured]) -> None:
    files = {file for _, lines_of in tests.values() for file in lines_of} | {_file(name) for name in tests}
    whole = baseline.with_name(f"{baseline.name}.new")
    whole.write_text(json.dumps({"digests": {file: _digest(file) for file in sorted(files)}, "tests": tests}))
    whole.replace(baseline)


def _unchanged(baseline: Path) -> dict[str, Measured]:
    """The tests of a baseline whose file is as it was, and every file of the analysis that they run."""
    if not baseline.exists():
        return {}
    stored = json.loads(baseline.read_text())
    changed = {file for file, digest in stored["digests"].items() if _digest(file) != digest}
    tests = stored["tests"].items()
    return {name: test for name, test in tests if changed.isdisjoint({_file(name), *test[1]})}


def _file(test: str) -> str:
    return str(ROOT / test.partition("::")[0])


def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if Path(file).exists() else ""


class _LineTrace:
    """Notes the lines of one folder that run; raises, and so fails the test, where it takes longer than LONGEST_S."""

    def __init__(self, folder: str) -> None:
        self._folder, self._began_s = folder, time.process_time()
        self._lines: dict[str, set[int]] = {}

    def __call__(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        if self.seconds > LONGEST_S:
            raise RuntimeError(f"more than {LONGEST_S} s")
        file = frame.f_code.co_filename
        if not file.startswith(self._folder):
            return None
        lines = self._lines.setdefault(file, set())

        def note(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
            lines.add(frame.f_lineno)
            return note

        return note

    @property
    def seconds(self) -> float:
        return time.process_time() - self._began_s

    @property
    def lines(self) -> dict[str, list[int]]:
        return {file: sorted(lines) for file, lines in self._lines.items()}


def in_child(work: Callable[[], int], cpu_s: int = MOST_CPU_S) -> int:
    """The exit status of ``work`` in a fork of this process, whose output is dropped; not 0 where it takes too long."""
    child = os.fork()
    if not child:
        os.setpgrp()
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s + int(time.process_time()), resource.RLIM_INFINITY))
        code = 1
        with contextlib.suppress(BaseException):
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            code = work()
        os._exit(code)
    limit = time.monotonic() + 100 * cpu_s  # of a process that waits, on a machine that is busy
    while time.monotonic() < limit:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.02)
    os.killpg(child, 9)
    os.waitpid(child, 0)
    return 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", type=int, default=0, dest="first", help="leave out so many of the sample")
    parser.add_argument("--to", type=int, default=None, dest="last", help="and those from here on")
    parser.add_argument(
        "--only", default="tbp", metavar="PATH", help="mutants below this path, or of lines as PATH:LINE,PATH:LINE"
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        default=Path(tempfile.gettempdir()) / "tbp-mutants-baseline.json",
        metavar="FILE",
        help="times and lines of the tests, which are measured again where they or their lines changed",
    )
    parser.add_argument("--list", action="store_true", help="print the sample, and try nothing")
    options = parser.parse_args()
    os.chdir(ROOT)
    paths = [
        path for room in TESTS for path in ([Path(room)] if room.endswith(".py") else sorted(Path(room).rglob("*.py")))
    ]
    everything = [
        mutant
        for path in paths
        for mutant in mutants(path)
        if str(path).startswith(options.only) or f"{path}:{mutant.line}" in options.only.split(",")
    ]
    sample = random.Random(options.seed).sample(everything, min(options.mutants, len(everything)))
    chosen = sample[options.first : options.last]
    print(f"{len(everything)} mutants of {len(paths)} modules, {len(chosen)} of a sample of {len(sample)}", flush=True)
    if options.list:
        print(*(f"{mutant.path}:{mutant.line} {mutant.change}" for mutant in chosen), sep="\n")
        return
    tests = dict.fromkeys(test for room in (*TESTS.values(), EVERYWHERE) for test in room)
    trials = Trials(chosen, uses(paths), options.baseline)
    pytest.main([*OPTIONS, *tests], plugins=[trials])
    print(f"\n{trials.killed} of {len(chosen)} killed: {trials.killed / max(len(chosen), 1):.0%}")


if __name__ == "__main__":
    main()
