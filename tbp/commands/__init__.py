"""The verbs of the command line, one file each: help, options and ``run`` (load → analyse → render → write)."""
