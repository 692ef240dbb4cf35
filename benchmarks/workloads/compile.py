"""Modules whose compilation is timed, as Python source: each is compiled in a fresh interpreter.

They stand on ``tbp.blocks`` alone, so that a commit without the block skips its cell.
"""

from tbp import bench
from tbp.bench.first_call import first_calls_s

FAMILY = "compile"

# By name: the class of ``tbp.blocks`` that a commit needs, and the source that makes the module and its inputs.
MODULES = {
    "encoder": (
        "Encoder",
        "from tbp.blocks import Encoder\nmodule = Encoder(2, 128, 4, 512)\ninputs = (torch.randn(2, 64, 128),)",
    ),
}


def source(name: str) -> str:
    """The source of the module called ``name``.

    Raises:
        Skip: the commit has no such block.
    """
    block, text = MODULES[name]
    bench.subject("tbp.blocks", block)
    return text


FirstCalls = dict[str, dict[str, float] | str]
"""By module, the seconds of its first call by the state of the cache, or why there are none."""


def first_calls(on: str) -> FirstCalls:
    """The first calls of every module, each in a process of its own."""
    calls: FirstCalls = {}
    for name in MODULES:
        try:
            calls[name] = first_calls_s(source(name), on=on)
        except bench.Skip as reason:
            calls[name] = str(reason)
    return calls


def seconds(calls: FirstCalls, cache: str, name: str) -> float:
    """The seconds of the module called ``name``.

    Raises:
        Skip: it was not called, for the reason given.
    """
    called = calls[name]
    if isinstance(called, str):
        raise bench.Skip(called)
    return called[cache]
