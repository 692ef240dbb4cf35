"""The glossary as frozen values: series, points, changes, runs, comparisons. Nothing here reads, draws or decides."""
