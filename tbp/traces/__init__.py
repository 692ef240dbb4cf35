"""A profiler trace file → its operators → the difference of two sides."""
