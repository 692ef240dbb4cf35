"""The calls of a trace merged by path, as a flame graph shows them."""
