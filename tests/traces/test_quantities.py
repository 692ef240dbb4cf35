"""Quantities of host events, summed by operator."""

import numpy as np

from tbp.traces.calls.quantities import Quantities


def test_sums_are_per_step_and_of_what_counts():
    of_events = Quantities(*(np.array([1.0, 3.0, 5.0, 100.0]) * factor for factor in (2.0, 4.0, 8.0)))
    counted, code = np.array([True, True, True, False]), np.array([0, 1, 1])
    sums = of_events.summed(counted, code, 2, np.array([2, 4]))
    assert {name: values.tolist() for name, values in sums.items()} == {
        "flops": [1.0, 4.0],
        "allocated_bytes": [2.0, 8.0],
        "copied_bytes": [4.0, 16.0],
    }
