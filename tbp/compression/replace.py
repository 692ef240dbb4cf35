"""Modules of a model replaced by others, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def replace_modules(model: nn.Module, kind: type[M], make: Callable[[M], nn.Module]) -> int:
    """Put ``make(child)`` where a child of just the type ``kind`` was, below ``model``; returns how many there were.

    A child that stands in several places is replaced by one module in all of them. ``make`` may return the child.
    """
    made: dict[int, nn.Module] = {}
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):  # named_children would give a shared child once
            if type(child) is kind:
                if id(child) not in made:
                    made[id(child)] = make(child)
                setattr(parent, name, made[id(child)])
    return len(made)
