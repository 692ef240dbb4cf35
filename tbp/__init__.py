"""Performance tracking for Transformer code in PyTorch.

Importing ``tbp`` imports nothing else: ``tbp.blocks``, ``tbp.training`` and ``tbp.compression`` are the code
under test, ``tbp.bench`` is the ruler that times it, and everything else analyses what was measured. For scripts and
notebooks there are the names in ``__all__``, which are stable: ``load`` reads a results folder of asv into one pandas
frame, ``report_data`` has what a report says of it as frames, ``change_points`` finds where the level of a series
shifts, ``hotspots`` and ``difference`` read traces, ``gate`` and ``compare`` judge two commits, and ``plot`` draws the
report's charts. ``errors`` has what they raise.
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = [
    "ChangePoints",
    "CommitComparison",
    "HotspotTable",
    "OperatorDifference",
    "ReportFrames",
    "__version__",
    "change_points",
    "compare",
    "difference",
    "errors",
    "gate",
    "hotspots",
    "load",
    "plot",
    "report_data",
]

TYPE_CHECKING = False  # typing's own, without importing it
if TYPE_CHECKING:
    from tbp import errors as errors
    from tbp import plot as plot
    from tbp.api.commits import CommitComparison as CommitComparison
    from tbp.api.commits import compare as compare
    from tbp.api.commits import gate as gate
    from tbp.api.levels import ChangePoints as ChangePoints
    from tbp.api.levels import change_points as change_points
    from tbp.api.results import load as load
    from tbp.api.results import report_data as report_data
    from tbp.api.traces import HotspotTable as HotspotTable
    from tbp.api.traces import OperatorDifference as OperatorDifference
    from tbp.api.traces import difference as difference
    from tbp.api.traces import hotspots as hotspots
    from tbp.report.data.frames import ReportFrames as ReportFrames

if not TYPE_CHECKING:  # which knows the names, and would take any other for one of these
    _HOMES = {
        "ChangePoints": "tbp.api.levels",
        "CommitComparison": "tbp.api.commits",
        "HotspotTable": "tbp.api.traces",
        "OperatorDifference": "tbp.api.traces",
        "ReportFrames": "tbp.report.data.frames",
        "change_points": "tbp.api.levels",
        "compare": "tbp.api.commits",
        "difference": "tbp.api.traces",
        "gate": "tbp.api.commits",
        "hotspots": "tbp.api.traces",
        "load": "tbp.api.results",
        "report_data": "tbp.api.results",
    }
    _MODULES = ("errors", "plot")

    def __getattr__(name: str) -> object:
        """A name of ``__all__``, imported on first use: most of them bring numpy, pandas and scipy."""
        from importlib import import_module

        if name in _MODULES:
            return import_module(f"tbp.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module 'tbp' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*__all__, "__doc__", "__file__", "__name__", "__path__"})
