"""A table of ``templates/device_tables.html``, which the parts on devices and ranks have in common."""

from __future__ import annotations

from msgspec import Struct


class DeviceTable(Struct, frozen=True):
    """A table of ``templates/device_tables.html``; the first cell of a row is its name."""

    heads: tuple[tuple[str, str], ...]  # name and class of each column
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()  # sentences below
    below: tuple[str, ...] = ()  # a line below each row's name; none: no row has one
    title: str = ""
    lines: tuple[str, ...] = ()  # of the chart above it, a sentence each; none: no chart
    is_of_code: bool = True  # the names are of code, not words
