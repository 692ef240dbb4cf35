"""Two commits: measured in turns as `tbp gate` does it, or judged from stored results as `tbp compare` does it."""

from __future__ import annotations

from math import inf

import pandas as pd
from msgspec.structs import asdict

from tbp.api.arguments import FilePath, Patterns, path_or_none, patterns
from tbp.asv.runner import require_asv
from tbp.comparison.json_form import to_json
from tbp.comparison.markdown import markdown
from tbp.comparison.stored_commits import CompareRequest, compared
from tbp.comparison.table import table
from tbp.model import relevance
from tbp.model.changes import State
from tbp.model.comparison import Comparison, Judgement
from tbp.project.asv_config import configuration, read_config
from tbp.project.config_of_results import config_of_results
from tbp.project.working_tree import judged, left_from
from tbp.turns.evidence import Limits
from tbp.turns.run import GateRequest
from tbp.turns.run import gate as gated
from tbp.wording import phrases, words
from tbp.wording.notebook import notebook_html

WIDTH = 100  # characters of a printed table
JUDGEMENT_COLUMNS = Judgement.__struct_fields__


class CommitComparison(Comparison, frozen=True):
    """The verdict on two commits: ``judgements`` has one for each benchmark with one choice of parameters.

    Its fields are those of the JSON of `tbp gate` and `tbp compare`. Times are seconds per call, effects relative.
    """

    @property
    def frame(self) -> pd.DataFrame:
        """A row for each judgement, regressions first; its columns are the fields of the JSON."""
        judgements = [judgement for state in phrases.ORDER for judgement in self.of(state)]
        rows = [
            {**asdict(judgement), "state": str(judgement.state), "better": str(judgement.better)}
            for judgement in judgements
        ]
        return pd.DataFrame(rows, columns=list(JUDGEMENT_COLUMNS))

    @property
    def verdict(self) -> str:
        """The verdict in one sentence."""
        return phrases.sentence(self)

    @property
    def is_regressed(self) -> bool:
        """True where a benchmark is confirmed to be worse."""
        return bool(self.of(State.REGRESSION))

    def to_json(self) -> str:
        """The JSON of `tbp gate --json`."""
        return to_json(self)

    def to_markdown(self) -> str:
        """The comment of `tbp gate --markdown`."""
        return markdown(self)

    def __repr__(self) -> str:
        return words.one_line(f"<tbp.CommitComparison: {self.verdict}>")

    def __str__(self) -> str:
        return table(self, width=WIDTH)

    def _repr_html_(self) -> str:
        return notebook_html([self.verdict, phrases.context(self), *self.notes], self.frame)


def gate(
    baseline: str,
    contender: str = ".",
    *,
    config: FilePath | None = None,
    bench: Patterns = (),
    tip: bool = False,
    environment: str = "",
    machine: str = "",
    threads: int = 1,
    budget_minutes: float = inf,
    relevant: float = relevance.TWO_COMMITS,
    excluded: float = relevance.EXCLUDED,
    false_discovery_rate: float = 0.05,
) -> CommitComparison:
    """Measures two commits in turns, and judges every benchmark that can be timed.

    ``contender`` "." is the working tree as it is. The base is where ``contender`` left ``baseline``, with ``tip`` the
    baseline itself. ``bench`` chooses benchmarks: a part of a name, or a list of them. The others are the options of
    `tbp gate`. ``relevant`` is the smallest change that is claimed, ``excluded`` a change that "no change" must
    exclude, both relative: 0.02 is 2 %. Progress goes to stderr. Ctrl-C ends it early: the result has what was known by
    then, and its notes say so.

    Needs asv (``pip install 'tbp-perf[bench]'``), an asv.conf.json in this folder or as ``config``, and the repository.

    Raises:
        tbp.errors.UsageError: a revision or an argument cannot be meant.
        tbp.errors.RunFailed: a commit could not be installed.
        tbp.errors.NothingMeasured: no benchmark of that name can be timed.
    """
    project = read_config(path_or_none(config))
    require_asv()
    repository = project.local_repository
    base, head = (judged(repository, revision) for revision in (baseline, contender))
    if not tip:
        base = left_from(repository, base, head)
    limits = Limits(relevant, excluded, false_discovery_rate)
    request = GateRequest(patterns(bench), environment, threads, limits, 60 * budget_minutes, machine)
    return CommitComparison(**asdict(gated(project, base, head, request).comparison))


def compare(
    baseline: str,
    contender: str,
    results_dir: FilePath | None = None,
    *,
    config: FilePath | None = None,
    bench: Patterns = (),
    machine: str = "",
    environment: str = "",
) -> CommitComparison:
    """Judges one stored commit against another, and measures nothing.

    Both are revisions of the project's repository, or beginnings of hashes. The results are those in ``results_dir``,
    or those of the asv.conf.json in this folder.

    >>> comparison = tbp.compare("0ba96705", "ed5bf5e8", "results", bench="torchtime")
    >>> comparison.verdict
    'Cannot tell: 3 undecided of 3 benchmarks'

    Raises:
        tbp.errors.UsageError: a revision names no stored commit, or the machine and environment are not clear.
        tbp.errors.NothingMeasured: there are no results of both commits on one machine in one environment.
    """
    folder, path = path_or_none(results_dir), path_or_none(config)
    if path is None and folder is not None:
        path = config_of_results(folder).path
    request = CompareRequest(baseline, contender, machine, environment, patterns(bench))
    return CommitComparison(**asdict(compared(configuration(path, folder), folder, request)))
