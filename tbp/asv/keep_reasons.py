"""In asv's own process: the output of every benchmark without a value is stored beside its result.

Takes over ``Results.save`` of asv, which writes a result file and drops the output. ``tbp.asv.environment`` does so
for projects that list it under ``plugins``; for any other, ``tbp nightly`` runs this module in place of asv.
Which line of an output matters is left to ``tbp.asv.reasons``.
"""

from __future__ import annotations

from functools import wraps
from itertools import product
from pathlib import Path
from typing import Any

from asv.console import log
from asv.results import Results
from asv.util import is_na

from tbp.asv.reasons import END, Cell, stored_outputs, write_outputs
from tbp.model.series import short_hash

_HEADER = "For parameters: "  # asv's, before the output of each combination


def keep_reasons() -> None:
    """From now on, asv in this process stores outputs, too. A second call changes nothing."""
    save = Results.save
    if hasattr(save, "__wrapped__"):
        return

    @wraps(save)
    def save_with_reasons(results: Any, result_dir: str) -> None:
        save(results, result_dir)
        try:
            _keep(results, Path(result_dir))
        except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            # A reason is no reason to lose a result: the disk is full, or another asv names its fields otherwise.
            log.warning(f"tbp: why benchmarks of {short_hash(results.commit_hash)} failed was not stored: {error}")

    Results.save = save_with_reasons


def _keep(results: Any, results_dir: Path) -> None:
    stem = Path(results._filename)
    path = results_dir / stem.with_name(stem.name.removesuffix(".json") + END)
    ran = set(results.stderr)
    before = {cell: output for cell, output in stored_outputs(path).items() if cell[0] not in ran}
    now = {cell: output for name in sorted(ran) for cell, output in _outputs(results, name).items()}
    if before or now or path.exists():
        write_outputs(path, results.params["machine"], results.env_name, results.commit_hash, before | now)


def _outputs(results: Any, name: str) -> dict[Cell, str]:
    """The output of each cell of a benchmark that has no value."""
    cells = list(product(*results.get_result_params(name)))
    values = results._results[name] or [None] * len(cells)
    output, status = (results.stderr[name] or "").strip(), results.errcode[name]
    of_cell = _by_cell(output, cells)
    ending = f"asv: benchmark failed (exit status {status})" if status else ""
    outputs = {}
    for cell, value in zip(cells, values, strict=True):
        text = of_cell.get(cell, "")
        if is_na(value) and (text or ending):
            is_explained = "Traceback" in text or "asv: " in text
            outputs[name, cell] = text if is_explained else f"{text}\n{ending}".strip()
    return outputs


def _by_cell(output: str, cells: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """``output`` of all combinations of parameters, divided at asv's headers; the whole for each where it has none."""
    headers = {_HEADER + ", ".join(cell): cell for cell in cells if cell}
    divided: dict[tuple[str, ...], list[str]] = {}
    current: list[str] = []
    for line in output.split("\n"):
        if line in headers:
            current = divided.setdefault(headers[line], [])
        else:
            current.append(line)
    if not divided:
        return dict.fromkeys(cells, output)
    return {cell: "\n".join(lines).strip() for cell, lines in divided.items()}


def main() -> None:
    """asv, with reasons."""
    from asv.main import main as asv_main

    keep_reasons()
    asv_main()


if __name__ == "__main__":
    main()
