"""The events of a trace → which call encloses which, and the work that each did."""
