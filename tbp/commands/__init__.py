"""The verbs of the command line, one a file: ``HELP``, ``add_options(parser)`` and ``run(options) -> ExitCode``."""
