"""Nights: which commits are measured, by whom, and the data branch that several machines share."""
