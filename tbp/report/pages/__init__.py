"""The pages of the site, one file or folder each; ``PAGES`` is their registry."""
