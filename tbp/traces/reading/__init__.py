"""A trace file on disk, whole or damaged → the columns of a ``Trace``."""
