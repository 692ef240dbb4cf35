"""Benchmarks whose body never runs, by their source in benchmarks.json.

A call of a generator function, or of a coroutine function, only makes an object: asv times that, some 600 ns, and
stores it as any other value. Nothing in the values tells it, so the source does. It is read as data.
"""

from __future__ import annotations

import ast
from warnings import catch_warnings

from tbp.asv.declarations import Benchmark
from tbp.system.python_text import MOST_PARSED

CALLED = ("time", "peakmemory", "memory")
"""asv's types that call the function and pass over what it returns; a ``track_*`` of this kind fails by itself."""


def never_runs(benchmark: Benchmark) -> str:
    """A sentence on a benchmark whose body never runs; empty for others, and where the source does not tell.

    A decorator may run the body, so nothing is claimed of a decorated function.
    """
    code = benchmark.code
    if benchmark.type not in CALLED or len(code) > MOST_PARSED or not ("yield" in code or "async" in code):
        return ""
    try:
        with catch_warnings(action="ignore"):
            nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    name = benchmark.name.rpartition(".")[2]
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name and not node.decorator_list:
            is_coroutine = isinstance(node, ast.AsyncFunctionDef)
            if is_coroutine or _yields(node):
                kind, remedy = ("a coroutine", "asyncio.run") if is_coroutine else ("a generator", "a loop or list()")
                return (
                    f"{benchmark.name} is {kind}, so asv measures a call that runs nothing of its body: run it inside "
                    f"the benchmark, with {remedy}"
                )
    return ""


def _yields(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """True where the function itself yields, and not only a function inside it."""
    nodes: list[ast.AST] = list(function.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            nodes += ast.iter_child_nodes(node)
    return False
