"""The worker of the doctor's twins: one piece of work that never changes, in the language of ``tbp/turns/worker.py``.

Run by its path, as that is, whose file it imports by its location. Needs numpy, and neither torch nor asv.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tbp.turns import worker
else:
    _spec = spec_from_file_location("tbp_gate_worker", Path(__file__).parent.parent / "turns" / "worker.py")
    worker = module_from_spec(_spec)
    _spec.loader.exec_module(worker)

# As the ruler's yardstick: some computing and some moving of data, about 0.3 ms together.
PRODUCT_WIDTH = 128
ELEMENTS = 1 << 15


class FixedWork:
    """The work as asv_runner's benchmarks look to ``WorkerStep``."""

    _current_params = ()
    _setups = ()

    def __init__(self) -> None:
        self.func = _work()


def _work() -> Callable[[], object]:
    import numpy as np

    square = np.full((PRODUCT_WIDTH, PRODUCT_WIDTH), 1 / PRODUCT_WIDTH, dtype=np.float32)
    values = np.linspace(0, 1, ELEMENTS, dtype=np.float32)

    def work() -> object:
        return square @ square, np.tanh(values)

    return work


def serve(channel: worker.Channel) -> None:
    """Answer until the referee goes away."""
    while True:
        match channel.request()["do"]:
            case "import":
                _work()  # imports numpy before the fork
                channel.reply(forks=worker.is_safe_to_fork())
            case "cell":
                worker.apart(partial(worker.take_turns, worker.WorkerStep(FixedWork()), channel), channel)


def main() -> None:
    worker.die_with_parent()
    sys.path.pop(0)  # this file's folder is no place to import from
    serve(worker.Channel(int(sys.argv[2]), int(sys.argv[3])))


if __name__ == "__main__":
    main()
