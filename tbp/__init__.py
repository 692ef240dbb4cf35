"""Performance tracking for Transformer code in PyTorch.

Importing ``tbp`` imports nothing else: ``tbp.blocks``, ``tbp.training`` and ``tbp.compression`` are the code
under test, ``tbp.bench`` is the ruler that times it, and everything else analyses what was measured.
"""

__version__ = "0.1.0"
