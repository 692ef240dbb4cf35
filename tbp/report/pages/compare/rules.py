"""The rules by which two commits are judged, for ``pages/judge.js``, which judges any pair that a reader chooses.

Takes nothing, gives the numbers by their names in Python: whoever changes one here changes it there, too.
"""

from __future__ import annotations

from tbp.comparison import judgements, two_runs
from tbp.history.circumstances import MOST_NAMED, NUMBER
from tbp.history.explanations import FOLLOWING
from tbp.model import relevance
from tbp.model.effects import CONFIDENCE
from tbp.statistics.student_t import t_reach


def rules() -> dict[str, object]:
    """Every threshold of a comparison, and how many standard errors an interval reaches by its degrees of freedom."""
    halves = range(two_runs.MIN_OTHER_RUNS, 2 * two_runs.MOST_FREEDOM + 1)  # freedom is half a number of differences
    return {
        "MIN_OTHER_RUNS": two_runs.MIN_OTHER_RUNS,
        "WINDOW": two_runs.WINDOW,
        "MOST_FREEDOM": two_runs.MOST_FREEDOM,
        "LEAST_ERROR": two_runs.LEAST_ERROR,
        "WITNESSES": two_runs.WITNESSES,
        "LEAST_SHARE": two_runs.LEAST_SHARE,
        "LONE": two_runs.LONE,
        "EXACT_SHARE": two_runs.EXACT_SHARE,
        "MIN_EXACT_RUNS": two_runs.MIN_EXACT_RUNS,
        "QUANTILES": two_runs.QUANTILES,
        "ALPHA": judgements.ALPHA,
        "CONFIDENCE": CONFIDENCE,
        "TWO_COMMITS": relevance.TWO_COMMITS,
        "EXCLUDED": relevance.EXCLUDED,
        "LEAST_SHOWN": relevance.LEAST_SHOWN,
        "FOLLOWING": FOLLOWING,
        "MOST_NAMED": MOST_NAMED,
        "NUMBER": NUMBER,
        "REACH": [[half / 2, t_reach(CONFIDENCE, half / 2)] for half in halves],
    }
