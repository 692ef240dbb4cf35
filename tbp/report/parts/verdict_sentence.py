"""The report's verdict in one sentence, with the revision it is judged against."""

from __future__ import annotations

from collections.abc import Sequence

from tbp.model.changes import History
from tbp.report.base.report_data import ReportData
from tbp.wording import verdicts, words


def verdict(histories: Sequence[History], data: ReportData) -> str:
    """The one sentence on everything; ``histories`` have the worst first."""
    return _since(verdicts.verdict(histories), data)


def _since(sentence: str, data: ReportData) -> str:
    if data.base is None:
        return sentence
    return f"Since {words.cut(data.base.revision, 60)}: {sentence[:1].lower()}{sentence[1:]}"
