"""The operators of a trace, ranked, or the difference of two traces, in a terminal, as JSON, CSV or HTML."""
