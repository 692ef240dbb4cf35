"""Two commits measured in turns: what ``tbp gate`` decides by."""
