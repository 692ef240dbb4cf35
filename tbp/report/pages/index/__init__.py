"""The first page: the verdict, and one row for each series, the worst first."""
