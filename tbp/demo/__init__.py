"""``tbp demo``: a small repository with a real slow-down in it, measured and reported on the spot."""
