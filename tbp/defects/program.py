"""The program of ``tbp claims --demonstrate``: runs the snippets of a defect, and answers with what they gave.

Run as ``python program.py cpu REQUESTS REPLIES``, with two file descriptors for lines of JSON:

    {"do": "list"}            → {"names": [name, …]} | {"missing": why there are none}
    {"do": "show", "name"}    → {"about", "unit", "naive": {"value", "error"}, "right": {…}} | {"not_here": why}
                                | {"failed": traceback}
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request."""
    try:
        from tbp.defects import DEMONSTRATIONS, NotHere, outcomes
    except ModuleNotFoundError as error:
        return {"missing": f"the demonstrations need {error.name}, which is not installed"}
    if request["do"] == "list":
        return {"names": list(DEMONSTRATIONS)}
    shown = DEMONSTRATIONS[request["name"]]
    about = " ".join((shown.make.__doc__ or "").split())
    try:
        naive, right = outcomes(shown.name)
    except NotHere as reason:
        return {"about": about, "unit": shown.unit, "not_here": str(reason)}
    except Exception:  # of the demonstration itself, whatever it is
        return {"about": about, "unit": shown.unit, "failed": traceback.format_exc()}
    return {"about": about, "unit": shown.unit, "naive": asdict(naive), "right": asdict(right)}


def main() -> None:
    requests, replies = int(sys.argv[2]), int(sys.argv[3])
    sys.path.pop(0)  # this file's folder is no place to import from
    with os.fdopen(requests) as lines, os.fdopen(replies, "w") as out:
        for line in lines:
            print(json.dumps(answer(json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    main()
