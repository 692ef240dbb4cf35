"""Run a command while zero to two busy processes come and go beside it.

    python tools/busy_neighbours.py [--seed 1] tbp gate HEAD~1 HEAD --bench Quick

Each neighbour is a process that multiplies and copies for 2 to 20 seconds; their number changes at random. The exit
status is the command's. For measuring the effect of contention on a verdict. Takes as long as the command.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import subprocess
import sys
import time

MOST_NEIGHBOURS = 2
SHORTEST_S, LONGEST_S = 2.0, 20.0


def be_busy(seconds: float) -> None:
    """Keep a core busy: about half the time computing, half moving memory."""
    end_s = time.monotonic() + seconds
    memory = bytearray(8 << 20)
    value = 1.0
    while time.monotonic() < end_s:
        for _ in range(20_000):
            value = value * 1.000001 + 1e-9
        memory = bytearray(memory)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    neighbours: list[multiprocessing.Process] = []
    busy_s = 0.0
    start_s = time.monotonic()
    command = subprocess.Popen(options.command)
    try:
        while command.poll() is None:
            for _ in range(chance.randint(0, MOST_NEIGHBOURS)):
                neighbour = multiprocessing.Process(target=be_busy, args=(chance.uniform(SHORTEST_S, LONGEST_S),))
                neighbour.start()
                neighbours.append(neighbour)
            end_s = time.monotonic() + chance.uniform(SHORTEST_S, LONGEST_S)
            while command.poll() is None and (any(n.is_alive() for n in neighbours) or time.monotonic() < end_s):
                busy_s += 0.2 * sum(n.is_alive() for n in neighbours)
                time.sleep(0.2)
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.join()
        command.wait()
    mean = busy_s / (time.monotonic() - start_s)
    print(f"{mean:.1f} neighbours on average", file=sys.stderr)
    return command.returncode


if __name__ == "__main__":
    sys.exit(main())
