"""The page of machines and environments: what was measured where, with what, and how noisily."""
