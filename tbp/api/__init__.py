"""The functions of ``import tbp``: results, changes, traces and commits for scripts and notebooks.

Each takes what its verb takes and gives a frozen value: ``frame`` is its table as pandas has them, ``repr`` one line,
``print`` the table of the command line, and a notebook shows HTML. Names in ``tbp.__all__`` are stable.
"""
