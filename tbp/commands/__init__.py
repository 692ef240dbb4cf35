"""The verbs of the command line, one a file: ``HELP``, ``EXAMPLES``, ``add_options`` and ``run``."""
