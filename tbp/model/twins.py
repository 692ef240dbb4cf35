"""A/A twins: the same work under a second name, so that whatever differs between the two is noise.

The ruler names them (``tbp.bench.workloads``); what follows from two that differ is left to ``tbp.history`` and the
page of machines.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec.structs import replace

from tbp.model.series import SeriesKey

TWIN = re.compile(r"^(.+)_twin( v\d+)?$")
"""The ruler's name of a variant's A/A twin, with the workload's version."""

_VARIANT = re.compile(r"^(.+?)( v\d+)?$")


def original(parameters: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The parameters of the twin's original; the same where it is no twin."""
    return tuple(
        (name, f"{twin.group(1)}{twin.group(2) or ''}") if (twin := TWIN.match(value)) else (name, value)
        for name, value in parameters
    )


def is_twin(key: SeriesKey, among: Collection[SeriesKey]) -> bool:
    """True for the twin of another one ``among`` the series."""
    first = replace(key, parameters=original(key.parameters))
    return first != key and first in among


def twins(key: SeriesKey) -> tuple[SeriesKey, ...]:
    """The series that would be the same work as ``key``: of a twin its original, else what its twin may be called."""
    if (first := original(key.parameters)) != key.parameters:
        return (replace(key, parameters=first),)
    named = (
        (*key.parameters[:index], (name, _VARIANT.sub(r"\1_twin\2", value)), *key.parameters[index + 1 :])
        for index, (name, value) in enumerate(key.parameters)
    )
    return tuple(replace(key, parameters=parameters) for parameters in named)
