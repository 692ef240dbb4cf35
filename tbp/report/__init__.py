"""Histories → static HTML: ``site`` writes, ``pages`` renders, ``figures`` draws, ``words`` puts numbers in words."""
