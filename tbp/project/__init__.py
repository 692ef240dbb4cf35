"""All that a project says of itself: asv.conf.json, ``[tool.tbp]``, acknowledgements, and its git repository."""
