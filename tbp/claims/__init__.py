"""Claims of a project, judged by what its benchmarks measured: for the terminal, JSON and the report alike."""
