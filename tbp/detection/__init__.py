"""The values of one series → its change points. Pure analysis: no files, clocks, prints or commits."""
