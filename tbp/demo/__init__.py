"""``tbp demo``: a small repository with a real slow-down in it, and what tbp says of it. Nothing is canned."""
