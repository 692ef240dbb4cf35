"""``tbp export``: copies of traces for other viewers."""

from __future__ import annotations

import argparse
from pathlib import Path

from tbp.commands.options import add_stored_traces_options, stored_traces
from tbp.errors import ExitCode
from tbp.system.printing import say, warn

HELP = "copies of traces for TensorBoard or ui.perfetto.dev"
EXAMPLES = (
    ("the newest commit's traces in TensorBoard", "tbp export --tensorboard log"),
    (
        "a copy that ui.perfetto.dev opens, of a trace that was cut off",
        "tbp export cut.pt.trace.json.gz --perfetto whole.json.gz",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    meaning = "trace files, folders, quoted patterns, or stored commits (default: HEAD)"
    parser.add_argument("traces", nargs="*", default=["HEAD"], metavar="TRACE|COMMIT", help=meaning)
    form = parser.add_mutually_exclusive_group(required=True)
    meaning = "for `tensorboard --logdir DIR` with torch-tb-profiler (pip install 'tbp-perf[tensorboard]')"
    form.add_argument("--tensorboard", type=Path, metavar="DIR", help=meaning)
    meaning = "repaired copies for ui.perfetto.dev and other viewers: a .json or .json.gz, or a folder of them"
    form.add_argument("--perfetto", "--plain", dest="plain", type=Path, metavar="PATH", help=meaning)
    add_stored_traces_options(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 when everything named was written."""
    from tbp.asv.stored_traces import sources
    from tbp.export.files import export_plain, export_tensorboard

    wanted = stored_traces(options)
    traces = [source for argument in options.traces for source in sources(argument, wanted)]
    if options.tensorboard:
        target, viewer = options.tensorboard, f"`tensorboard --logdir {options.tensorboard}` shows them"
        exported = export_tensorboard(traces, target)
    else:
        target, viewer = options.plain, "ui.perfetto.dev opens them"
        exported = export_plain(traces, target)
    warn(*(f"tbp: {loss}" for loss in exported.losses))
    say(f"traces written to {target}: {len(exported.paths)}; {viewer}")
    return ExitCode.OK
