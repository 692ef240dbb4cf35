"""Every chart of tbp as a function that returns a plotly figure: for the report, for notebooks and for tests."""
