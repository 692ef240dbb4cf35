"""Demonstrations of the defects of naive snippets, each beside the right code: a number of both, here and now.

Code under test: torch, and ``tbp.blocks``, ``tbp.training`` and ``tbp.compression``, whose ``Naive...`` classes and
``naive_...`` functions are the snippets where they have them. Importing this registers all demonstrations.
"""

from __future__ import annotations

from importlib import import_module

from tbp.defects.registry import DEMONSTRATIONS, RAISED, Demonstration, NotHere, SnippetOutcome, outcomes

__all__ = ["DEMONSTRATIONS", "PARTS", "RAISED", "Demonstration", "NotHere", "SnippetOutcome", "outcomes"]

# The parts of a model, its training and its compression, in the order in which they are listed.
PARTS = (
    *("attention", "mask", "fused_kernel", "positions", "feed_forward", "schedule", "accumulation", "mixed_precision"),
    *("pruning", "int8", "distillation"),
)

for part in PARTS:
    import_module(f"tbp.defects.{part}")
