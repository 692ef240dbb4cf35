"""The section of the claims page on growth: time and memory over lengths, batches and widths."""

from __future__ import annotations

import plotly.graph_objects as go
from msgspec import Struct

from tbp.report.base.report_data import ReportData


class ScalingSection(Struct, frozen=True):
    """The content of ``templates/claims_scaling.html``."""

    figures: tuple[go.Figure, ...]  # in the order of the places in the template


def scaling_section(data: ReportData) -> ScalingSection | None:
    """None where nothing is measured at several sizes."""
    return None
