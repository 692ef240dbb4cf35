"""The CPU time in which two trace files of 34 MB become a difference.

    python tools/difference_of_traces.py [--mb 34] [--from TRACE OTHER]

Two recordings of one training step (seeded), or two given traces, repeated to the size. The time is from the files to
the rows with their sentences, without imports; the target is 1 s on one core. Takes about 15 s with the recording.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from trace_files import recorded, repeated

from tbp.traces.differences.difference import difference, explanation
from tbp.traces.operators.operators import session
from tbp.traces.reading.read import read_trace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=34.0)
    parser.add_argument("--from", dest="sources", type=Path, nargs=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sources = arguments.sources or [recorded(folder / f"once{side}.json") for side in (0, 1)]
        paths = [repeated(source, folder / f"{side}.json", arguments.mb) for side, source in enumerate(sources)]
        print(*(f"{path.stat().st_size / 1e6:.1f} MB" for path in paths))
        started_s = time.process_time()
        before, after = (session(read_trace(path)) for path in paths)
        read_s = time.process_time()
        result = difference([before], [after])
        ended_s = time.process_time()
    print(
        f"read and tables {read_s - started_s:.2f}, difference {ended_s - read_s:.2f}, whole {ended_s - started_s:.2f}"
    )
    print(f"CPU s; {len(result.rows)} rows")
    print(explanation(result))


if __name__ == "__main__":
    main()
