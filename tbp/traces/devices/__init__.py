"""What the devices of a trace did, and the ranks of a distributed run."""
