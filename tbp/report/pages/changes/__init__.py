"""The page of events: which commits moved something, newest first."""
