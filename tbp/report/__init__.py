"""Histories → a static HTML site: ``site`` on top, then ``pages``, ``data``, ``parts``, and ``base`` at the bottom."""
