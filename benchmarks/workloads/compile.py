"""Modules whose compilation is timed, as Python source: each is compiled in a fresh interpreter.

They stand on ``tbp.blocks`` alone, so that a commit without the block skips its cell.
"""

from tbp import bench

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
