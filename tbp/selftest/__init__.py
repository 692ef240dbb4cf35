"""The self-test of the ruler and of the code under test, on one device: what must be right before a number is.

Runs in a process of its own (``program.py``), beside ``tbp.bench``, ``tbp.blocks`` and ``tbp.training``; ``tbp.doctor``
starts it, and writes the report. Each check gives readings, of which some are right or wrong and others only tell.
"""
