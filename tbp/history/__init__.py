"""Results, sessions and commits → the history of each series, its state, and events. Pure analysis."""
