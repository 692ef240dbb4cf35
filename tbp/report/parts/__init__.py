"""Parts that several pages are made of: links, sparklines, changes, flame graphs, names."""
