"""All that knows asv's files and plugins: its environments, its result files, the sessions beside them."""
