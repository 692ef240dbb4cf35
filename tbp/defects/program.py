"""The program of ``tbp claims --demonstrate``: runs the snippets of a defect, and answers with what they gave.

Run as ``python program.py cpu REQUESTS REPLIES``, with two file descriptors for lines of JSON:

    {"do": "list"}            → {"names": [name, …]} | {"missing": why there are none}
    {"do": "show", "name"}    → {"unit", "naive": {"value", "error"}, "right": {…}, "failed": traceback or ""}
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from dataclasses import asdict
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The reply to one request."""
    try:
        import torch

        from tbp import defects
        from tbp.defects.registry import DEMONSTRATIONS, outcomes
    except ModuleNotFoundError as error:
        return {"missing": f"the demonstrations need {error.name}, which is not installed"}
    assert defects, "its import registers the demonstrations"
    if request["do"] == "list":
        return {"names": list(DEMONSTRATIONS)}
    torch.manual_seed(0)  # the same numbers every time
    warnings.simplefilter("ignore")  # of torch, on what a snippet does; its outcome tells
    name = request["name"]
    try:
        naive, right = outcomes(name)
    except Exception:  # of the demonstration itself, whatever it is
        return {"failed": traceback.format_exc()}
    return {"unit": DEMONSTRATIONS[name].unit, "naive": asdict(naive), "right": asdict(right), "failed": ""}


def main() -> None:
    requests, replies = int(sys.argv[2]), int(sys.argv[3])
    sys.path.pop(0)  # this file's folder is no place to import from
    with os.fdopen(requests) as lines, os.fdopen(replies, "w") as out:
        for line in lines:
            print(json.dumps(answer(json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    main()
