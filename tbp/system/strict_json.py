"""JSON as every program reads it: ASCII, with null for NaN and infinities, which JSON has not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict


def strict_json(value: object, **layout: Any) -> str:
    """``value`` as text, a Struct as an object of its fields; ``layout`` is for ``json.dumps``, as ``indent``."""
    try:
        return json.dumps(value, allow_nan=False, **layout)
    except (TypeError, ValueError):  # there is such a value
        return json.dumps(_plain(value), allow_nan=False, **layout)


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
