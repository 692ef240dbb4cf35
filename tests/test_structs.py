"""The values of the pure analysis: whoever gets one may keep it, put it into a set, and share it between threads."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from msgspec import Struct

ROOMS = (
    "tbp.statistics", "tbp.detection", "tbp.traces.calls", "tbp.traces.operators", "tbp.traces.differences",
    "tbp.model", "tbp.comparison",
)  # fmt: skip


def structs(room: str) -> Iterator[type[Struct]]:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, f"{room}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Struct) and value.__module__ == module.name:
                yield value


ARRAYS = ("DataFrame", "Floats", "Indices", "NDArray")


@pytest.mark.parametrize("room", ROOMS)
def test_values_that_leave_a_module_are_frozen(room: str):
    public = [struct for struct in structs(room) if not struct.__name__.startswith("_")]
    assert public, f"{room} has moved: ROOMS names the rooms as they are"
    assert [struct.__name__ for struct in public if not struct.__struct_config__.frozen] == []


@pytest.mark.parametrize("room", ROOMS)
def test_values_with_arrays_are_not_compared_by_them(room: str):
    """Equality of arrays is an array, which is neither true nor false."""
    with_arrays = [
        struct
        for struct in structs(room)
        if any(array in str(of) for of in struct.__annotations__.values() for array in ARRAYS)
    ]
    assert [struct.__name__ for struct in with_arrays if struct.__struct_config__.eq] == []
