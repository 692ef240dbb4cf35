"""Nights: which commits are measured, by whom, and the data branch or the store that several machines share."""
