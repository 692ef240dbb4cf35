"""Numbers → numbers: robust statistics, tests of distributions, false discovery. Knows no series and no commits."""
