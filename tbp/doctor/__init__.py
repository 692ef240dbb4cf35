"""This machine: what of it would spoil a measurement, and whether the ruler works on its devices."""
