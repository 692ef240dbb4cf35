"""Two sides of traces → what changed between them, operator by operator and frame by frame."""
