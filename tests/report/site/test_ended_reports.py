"""Reports that end while they move their files, and two that write to one folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tbp.errors import UsageError
from tbp.report.base.report_data import ReportData
from tbp.report.site.build import write_site
from tbp.report.site.folder import NEW

# Ends as it puts a file of this name in its place.
ENDED = """
import os, sys
from pathlib import Path
real, name, number = Path.replace, sys.argv.pop(1), int(sys.argv.pop(1))
def replace(self, target):
    if str(target).endswith(name):
        os.kill(os.getpid(), number)
    return real(self, target)
Path.replace = replace
from tbp.__main__ import run
run()
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["index.html", "summary.json", "feed.xml", "data/index.js"])
def test_a_first_report_that_ended_while_it_moved_its_files_is_made_again(
    result_file: Callable[..., Path], tmp_path: Path, name: str, end: signal.Signals
):
    result_file("a", {"time_it": [[1.0], []]})
    arguments = ["report", "--results", str(tmp_path / "results"), "--out", str(tmp_path / "site")]
    process = [sys.executable, "-c", ENDED, name, str(int(end)), *arguments]
    ended = subprocess.run(process, capture_output=True, check=False)
    assert ended.returncode in (-end, 130), ended.stderr
    assert not (tmp_path / "site" / "index.html").exists()
    done = subprocess.run([sys.executable, "-m", "tbp", *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").exists()
    assert not list((tmp_path / "site").glob(".*"))


def test_data_of_another_program_is_still_not_overwritten(make_report: Callable[..., ReportData], tmp_path: Path):
    (tmp_path / "summary.json").write_text("{}")
    (tmp_path / "static" / "base").mkdir(parents=True)
    (tmp_path / "static" / "base" / "app.js").write_text("// of another program")
    os.mkfifo(tmp_path / "static" / "base" / "pipe.js")
    with pytest.raises(UsageError, match=r"summary.json was not written by tbp"):
        write_site(make_report(), tmp_path)


def test_what_killed_reports_left_is_removed(make_report: Callable[..., ReportData], tmp_path: Path):
    left = tmp_path / f"{NEW}killed" / "data"
    left.mkdir(parents=True)
    (left / "index.js").write_text("half")
    (tmp_path / f"{NEW}notes").write_text("of a person")
    write_site(make_report(), tmp_path)
    assert [path.name for path in tmp_path.glob(".*")] == [f"{NEW}notes"]


def test_a_second_report_waits_for_the_first(make_report: Callable[..., ReportData], tmp_path: Path):
    holds = "import fcntl, os, sys, time; fcntl.flock(os.open(sys.argv[1], 0), 2); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", holds, str(tmp_path)], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        first.stdout.readline()
        waited = []

        def end_it() -> None:
            waited.append(not list(tmp_path.iterdir()))
            first.kill()

        write_site(make_report(), tmp_path, end_it)
    assert waited == [True]  # and nothing was written by then
