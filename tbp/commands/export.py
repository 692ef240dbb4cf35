"""The options of ``tbp export``, and saying what it did.

Imports nothing heavy, as the command line is parsed with it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbp.export.files import Exported


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """What to export, and in which form to where; exactly one form is required."""
    say = "trace files, folders, quoted patterns, or stored commits (default: HEAD)"
    parser.add_argument("traces", nargs="*", default=["HEAD"], metavar="TRACE|COMMIT", help=say)
    form = parser.add_mutually_exclusive_group(required=True)
    say = "for `tensorboard --logdir DIR` with torch-tb-profiler (pip install 'tbp[tensorboard]')"
    form.add_argument("--tensorboard", type=Path, metavar="DIR", help=say)
    say = "repaired copies for ui.perfetto.dev and other viewers: a .json or .json.gz, or a folder of them"
    form.add_argument("--perfetto", "--plain", dest="plain", type=Path, metavar="PATH", help=say)


def say_exported(exported: Exported, options: argparse.Namespace) -> None:
    """What was written and where to look at it; what the traces had lost goes to stderr."""
    for loss in exported.losses:
        print(f"tbp: {loss}", file=sys.stderr)
    target = options.tensorboard or options.plain
    look = f"`tensorboard --logdir {target}` shows them" if options.tensorboard else "ui.perfetto.dev opens them"
    print(f"traces written to {target}: {len(exported.paths)}; {look}")
