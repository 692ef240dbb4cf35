"""Tests as workloads: the marked tests of two commits, measured in turns by the gate."""
