"""Modules whose compilation is timed, as Python source: each is compiled in a fresh interpreter.

They stand on ``tbp.blocks`` alone, so that a commit without the block skips its cell.
"""

from tbp import bench
from tbp.bench.first_call import COLD, WARM, first_calls_s

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


class FirstCallSuite:
    """A suite of the first calls that its ``setup_cache`` makes.

    Each suite has a ``setup_cache`` of its own: asv tells caches apart by the file and line of the function.
    """

    params = ((COLD, WARM), tuple(MODULES))
    param_names = ("cache", "module")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # Attached here, because asv takes every class of a module for a suite.
        cls.track_first_call_seconds = _seconds  # type: ignore[attr-defined]

    def setup(self, calls: FirstCalls, cache: str, module: str) -> None:
        """Take the seconds of one cell.

        Raises:
            Skip: the module was not called, for the reason given.
        """
        called = calls[module]
        if isinstance(called, str):
            raise bench.Skip(called)
        self.seconds = called[cache]


def _seconds(suite: FirstCallSuite, calls: FirstCalls, cache: str, module: str) -> float:
    return suite.seconds


_seconds.unit = "seconds"  # type: ignore[attr-defined]
_seconds.version = str(bench.PROTOCOL)  # type: ignore[attr-defined]
