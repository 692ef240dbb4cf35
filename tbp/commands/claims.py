"""``tbp claims``: what the benchmarks say of a project's claims, and the defects of naive code, demonstrated."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tbp.commands.options import VERDICT, add_form_option, add_results_options, find_config, group_of
from tbp.errors import ExitCode

if TYPE_CHECKING:
    from tbp.claims.judging import JudgedClaims
    from tbp.claims.shown_defects import ShownDefect
    from tbp.project.claims_file import ClaimsFile

HELP = "which practices of the claims file hold, where, and by how much; what naive code gets wrong"
EXAMPLES = (
    ("every claim with its practices, by what is stored", "tbp claims"),
    ("in CI: exit code 3 where a claimed practice does not hold", "tbp claims --strict"),
    ("run a naive snippet and the right one, here and now", "tbp claims --demonstrate mask-in-float16"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    add_results_options(parser)
    meaning = "the claims (default: claims.toml beside the benchmarks)"
    parser.add_argument("--claims", type=Path, metavar="FILE", help=meaning)
    meaning = "run the naive snippet and the right one of these defects, or of all; nothing else is shown"
    parser.add_argument("--demonstrate", nargs="*", metavar="DEFECT", help=meaning)
    add_form_option(parser, "--json", "as JSON")
    meaning = "exit with 3 if a claimed practice does not hold, with 5 if one is undecided or not measured"
    group_of(parser, VERDICT).add_argument("--strict", action="store_true", help=meaning)


def run(options: argparse.Namespace) -> ExitCode:
    """Returns 0 unless --strict says otherwise; 4 where nothing is measured, or a demonstration failed."""
    from tbp.commands.output import require_writable

    require_writable({"--json": options.json})
    if options.demonstrate is not None:
        return _demonstrate(options)
    from tbp.claims.json_form import to_json
    from tbp.claims.table import table
    from tbp.commands.output import has_colours, terminal_width, write_forms

    judged = _judged(options)
    width, colour = terminal_width(), has_colours()
    forms = {"--json": (options.json, lambda: to_json(judged))}
    write_forms(forms, lambda: table(judged, colour=colour, width=width))
    return _exit_code(judged, options.strict)


def _judged(options: argparse.Namespace) -> JudgedClaims:
    from tbp.claims.judging import judged_claims
    from tbp.errors import UsageError
    from tbp.history.stored import by_themselves, stored
    from tbp.project.asv_config import configuration
    from tbp.wording.machine_names import faces

    find_config(options)
    path, file = _claims_file(options)
    if file is None:
        raise UsageError(f"there is no {path}: write one (docs/how-to/claims.md), or name it with --claims")
    store = stored(configuration(options.config, options.results), options.results)
    return judged_claims(file, by_themselves(store), faces(store.results.machines))


def _claims_file(options: argparse.Namespace) -> tuple[Path, ClaimsFile | None]:
    """The path of the claims file and its content, None without such a file."""
    from tbp.errors import UsageError
    from tbp.project.asv_config import configuration
    from tbp.project.claims_file import claims_path, read_claims
    from tbp.project.policy import read_policy

    path: Path | None = options.claims
    if path is None:
        config = configuration(options.config, options.results)
        if config is None:
            raise UsageError("no asv.conf.json tells where the claims are: name the file with --claims")
        path = claims_path(config, read_policy(config.policy_file))
    return path, read_claims(path)


def _exit_code(judged: JudgedClaims, is_strict: bool) -> ExitCode:
    from tbp.claims.practice_cell import ClaimVerdict

    counts = judged.counts
    if is_strict and counts[ClaimVerdict.FAILS]:
        return ExitCode.REGRESSION
    if set(counts) <= {ClaimVerdict.NOT_MEASURED}:
        return ExitCode.NOTHING_MEASURED
    is_open = counts[ClaimVerdict.UNDECIDED] or counts[ClaimVerdict.NOT_MEASURED]
    return ExitCode.UNDECIDED if is_strict and is_open else ExitCode.OK


def _demonstrate(options: argparse.Namespace) -> ExitCode:
    from tbp.claims.json_form import to_json
    from tbp.claims.judging import JudgedClaims
    from tbp.claims.table import demonstrated
    from tbp.commands.output import has_colours, terminal_width, write_forms

    shown = _shown(options)
    width, colour = terminal_width(), has_colours()
    forms = {"--json": (options.json, lambda: to_json(JudgedClaims(), shown))}
    write_forms(forms, lambda: demonstrated(shown, colour=colour, width=width))
    return ExitCode.NOTHING_MEASURED if any(each.failed for each in shown) else ExitCode.OK


def _shown(options: argparse.Namespace) -> tuple[ShownDefect, ...]:
    """The demonstrations; they need no project, whose claims file only adds what happens in words."""
    from tbp.claims.shown_defects import shown_defects
    from tbp.project.asv_config import default_path
    from tbp.system.progress import Progress

    is_project = options.claims or options.config or default_path()
    file = _claims_file(options)[1] if is_project else None
    with Progress() as progress:
        progress.say("starting")
        return shown_defects(options.demonstrate, file.defects if file is not None else (), progress.at)
