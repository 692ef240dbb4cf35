"""Verdicts on two commits: what is said of each benchmark, and in which forms it is said."""
