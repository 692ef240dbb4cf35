"""Two versions of one file of a results folder → one in which nothing of either is lost.

Takes the content that a file had when two runners had it in common, and what each of them made of it. Results and
ratios are merged by the modules that define their formats; every other file is a JSON object and merged key by key.
"""

from __future__ import annotations

import json

from tbp.asv.merged_results import merged_results
from tbp.asv.ratios import END as RATIOS_END
from tbp.asv.ratios import merged_ratios
from tbp.asv.reasons import END as REASONS_END
from tbp.asv.reasons import merged_reasons
from tbp.nightly.folder_files import grows
from tbp.nightly.told_file import NAME as NOTE
from tbp.nightly.told_file import merged_notes
from tbp.system.foreign_json import object_in


def merged(path: str, base: bytes | None, ours: bytes, theirs: bytes) -> bytes:
    """The content of ``path``, relative to the results folder; ``base`` is None where it is not known any more."""
    if ours == theirs:
        return ours
    if path.endswith(RATIOS_END):
        return merged_ratios(ours, theirs)
    if path.endswith(REASONS_END):
        return merged_reasons(ours, theirs)
    if path == NOTE:
        return merged_notes(ours, theirs)
    return merged_results(ours, theirs) if grows(path) else _merged_objects(base, ours, theirs)


def _merged_objects(base: bytes | None, ours: bytes, theirs: bytes) -> bytes:
    left, right = object_in(ours), object_in(theirs)
    if left is None or right is None:
        return ours if left is not None or right is None else theirs
    content = _merged(object_in(base or b""), left, right)
    return ours if content == left else json.dumps(content, indent=1).encode()


def _merged(base: object, ours: object, theirs: object) -> object:
    """The value of both sides: an object key by key, a list as a set, else the value of the side that changed it."""
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        before = base if isinstance(base, dict) else {}
        keys = [key for key in (ours | theirs) if _stays(key in before, key in ours, key in theirs)]
        return {
            key: _merged(before.get(key), ours.get(key, theirs.get(key)), theirs.get(key, ours.get(key)))
            for key in keys
        }
    if isinstance(ours, list) and isinstance(theirs, list):
        old, left, right = (
            {json.dumps(item, sort_keys=True): item for item in items}
            for items in (base if isinstance(base, list) else [], ours, theirs)
        )
        return [item for key, item in (left | right).items() if _stays(key in old, key in left, key in right)]
    return ours


def _stays(was_there: bool, is_ours: bool, is_theirs: bool) -> bool:
    """False of what one side has taken out since."""
    return (is_ours and is_theirs) or not was_there
