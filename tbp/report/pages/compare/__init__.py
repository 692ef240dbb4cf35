"""The page that compares two commits across all series."""
