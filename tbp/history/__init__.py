"""Series over commits, and what moved in them. Pure analysis: no files, clocks, prints or torch."""
