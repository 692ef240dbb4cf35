"""``tbp init``: what a repository is, which files tbp lacks in it, and the first benchmark over its own code.

``surroundings``, ``package``, ``candidates`` and ``asv_projects`` read and run nothing. ``suites`` makes the text of a
suite, ``trial`` runs one apart, ``plan`` puts the files together, and ``files`` shows or writes them.
"""
