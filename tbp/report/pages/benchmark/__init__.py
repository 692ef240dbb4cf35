"""The page of one benchmark: its chart, its series, their changes and the evidence for each."""
