"""The self-test of a device, seen from outside: a process that runs the checks, their results, and the report."""
