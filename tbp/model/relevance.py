"""Effect sizes from which on a difference matters, one for each question asked. Relative: 0.01 is 1 %.

docs/explanation/change-points.md has them as a table. What is significant and smaller than these is no news.
"""

LEAST_SHOWN = 0.0005
"""Smallest change of a counter: less is shown as 0.0 %. A counter repeats exactly, so nothing hides it."""

SAME_LEVEL = 0.01
"""Levels at most this far apart are one level: the detector would not part them."""

LONG_SERIES = 0.01
"""Smallest step in 20 runs or more. A choice: no commit is blamed for less, however sure its step is."""

TWO_COMMITS = 0.02
"""Smallest difference of two commits or two variants: runs of one commit on a quiet machine differ by 1 to 2 %
(docs/explanation/ruler.md). Comparisons, gates, pairs of a night, the heatmap and the page of compression use it."""

EXCLUDED = 0.05
"""Size of a difference that "no change" must exclude. A gate measures twenty pairs at most: with a spread of 3 % their
interval reaches 1.9 % to both sides, which excludes 5 %, and hardly ever 2 %."""

SHORT_SERIES = 0.05
"""Smallest step in fewer than 20 runs. A choice: their noise is hardly known."""

PLAIN = 0.14
"""From here on a reader of the chart asks what happened, where the noise allows it: six noises in a long series, runs
that do not overlap in a short one. Such a step is at least suspect."""

WITNESSED = 0.25
"""Smallest change that a twin, a yardstick or a trace can contradict: those of one commit differ by 5 to 10 % from run
to run on a shared machine, less than half of this."""

OLDEST_RUNS = 0.5
"""Smallest step after the first one or two runs of a series. The first run of a new machine is often off by a tenth or
more, and a history would show it for years."""
