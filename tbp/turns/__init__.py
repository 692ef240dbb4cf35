"""Two commits measured in turns: the evidence that ``tbp gate`` and the nightly job decide by."""
