"""``tbp hotspots``: the operators of a trace, ranked, or what separates two, in a terminal, as JSON or CSV.

views               recordings (``tbp.sources``) → what is shown: a ranking, or a difference
table, forms        the same as text for a terminal; as JSON and CSV
options             the command line's options, and writing
"""
