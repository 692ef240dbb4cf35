"""The operators of a trace: calls, self time and callers."""
