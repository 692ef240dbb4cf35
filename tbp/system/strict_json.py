"""JSON as every program reads it: ASCII, null for NaN and infinities, and no command of a CI system in its texts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from tbp.system.foreign_text import json_without_commands


def strict_json(value: object, **layout: Any) -> str:
    """``value`` as text, a Struct as an object of its fields; ``layout`` is for ``json.dumps``, as ``indent``."""
    try:
        text = json.dumps(value, allow_nan=False, **layout)
    except (TypeError, ValueError):  # there is such a value
        text = json.dumps(_plain(value), allow_nan=False, **layout)
    return json_without_commands(text)


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
