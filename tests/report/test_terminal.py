"""What ``tbp report`` prints of a report."""

from __future__ import annotations

from pathlib import Path

from tbp.reporting import said_of


def test_a_line_says_the_machine_where_there_are_several(make_history, make_report, tmp_path: Path) -> None:
    histories = [make_history(machine=machine) for machine in ("bench-1", "bench-2")]
    lines = said_of(make_report(*histories), tmp_path).lines.splitlines()
    assert sorted(line.partition(":")[0] for line in lines[1:3]) == [
        "  attention.Quick.torchtime_step variant=sdpa bench-1",
        "  attention.Quick.torchtime_step variant=sdpa bench-2",
    ]


def test_a_line_of_a_benchmark_without_parameters_has_no_gap(make_history, make_report, tmp_path: Path) -> None:
    data = make_report(make_history(parameters=()))
    assert said_of(data, tmp_path).lines.splitlines()[1].startswith("  attention.Quick.torchtime_step: ▲ +20 % slower")
