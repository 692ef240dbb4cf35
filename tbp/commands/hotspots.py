"""``tbp hotspots``: the operators of a trace, or the difference of two."""

from __future__ import annotations

import argparse
from pathlib import Path

from tbp.commands.options import add_form_option, add_stored_traces_options, count, stored_traces
from tbp.errors import ExitCode, UsageError
from tbp.system.printing import warn

HELP = "the operators of a trace, or what separates two"
EXAMPLES = (
    ("where the time of a step goes", "tbp hotspots trace.json"),
    ("what a commit changed, from the stored traces of both", "tbp hotspots main HEAD --bench attention"),
    ("the ranks of a distributed run, and for whom they wait", "tbp hotspots traces/"),
    ("by nn.Module, with a flame graph", "tbp hotspots trace.json --group-by module --flame flame.html"),
)
RANKS = ("self", "device", "total", "flops", "memory")
ORDERS = ("change", "lost")
GROUPS = ("operator", "module", "line", "region")


def add_options(parser: argparse.ArgumentParser) -> None:
    meaning = "a trace file, a folder or quoted pattern of one cell's, or a stored commit; two are compared"
    parser.add_argument("traces", nargs="+", metavar="TRACE|COMMIT", help=meaning)
    meaning = (
        f"rank by {', '.join(RANKS)} (default: device if it has one, else self); "
        "of two traces change (default: the largest first, the certain apart) or lost (the most time lost first)"
    )
    parser.add_argument("--by", choices=(*RANKS, *ORDERS), metavar="QUANTITY", help=meaning)
    meaning = "rank operators, paths of nn.Modules, lines of Python, or regions of torch.compile (default: operator)"
    parser.add_argument("--group-by", choices=GROUPS, help=meaning)
    parser.add_argument("--top", type=count, metavar="N", help="so many operators (default: a screen)")
    parser.add_argument("--shapes", action="store_true", help="show the most common input shapes too")
    add_form_option(parser, "--json", "as JSON")
    add_form_option(parser, "--csv", "as CSV")
    parser.add_argument("--flame", type=Path, metavar="FILE", help="also a flame graph, as one HTML file")
    add_stored_traces_options(parser)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 whatever is shown, as a trace alone is no verdict."""
    _require_meant(options)
    from tbp.asv.stored_traces import chosen_sides
    from tbp.commands.output import terminal_width, write_file, write_forms
    from tbp.operator_views.flame_file import flame_file
    from tbp.operator_views.forms import to_csv, to_json
    from tbp.operator_views.table import views_table
    from tbp.operator_views.views import views_of

    cells = chosen_sides(options.traces, stored_traces(options))
    views = views_of(cells, options.by, options.group_by or GROUPS[0])
    if options.flame is not None:
        write_file(options.flame, flame_file(cells))
        warn(f"flame graph: {options.flame}")
    forms = {
        "--json": (options.json, lambda: to_json(views, options.top)),
        "--csv": (options.csv, lambda: to_csv(views, options.top)),
    }
    write_forms(forms, lambda: views_table(views, options.top, options.shapes, terminal_width()))
    return ExitCode.OK


def _require_meant(options: argparse.Namespace) -> None:
    """Raises UsageError for too many traces, files that cannot be written, or what a difference does not have."""
    from tbp.commands.output import require_writable

    if len(options.traces) > 2:
        raise UsageError(
            f"{len(options.traces)} traces are named, and one is shown or two compared: "
            "put a pattern of one cell's traces in quotes"
        )
    if len(options.traces) == 2 and (options.group_by or options.shapes):
        raise UsageError("--group-by and --shapes are for one trace: of two, what changed is shown")
    if options.by is not None and (len(options.traces) == 2) != (options.by in ORDERS):
        number, meant = ("two traces", ORDERS) if len(options.traces) == 2 else ("one trace", RANKS)
        raise UsageError(f"--by {options.by} is not for {number}: use --by {' or --by '.join(meant)}")
    if options.shapes and options.group_by not in (None, "operator"):
        raise UsageError(f"--shapes are of operators, not of a {options.group_by}: leave one of the two out")
    require_writable({"--json": options.json, "--csv": options.csv, "--flame": options.flame})
