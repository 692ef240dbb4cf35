"""The devices of a trace, and the ranks of a distributed run."""
