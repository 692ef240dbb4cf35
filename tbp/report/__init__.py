"""Histories → static HTML, in steps that can be tested one by one.

summary, detail, evidence   what is said: verdicts, rows, sections, from histories and traces
words, addresses            numbers in words; file names, links and commands
figures, strokes, sparkline how it is drawn
pages                       HTML and script text, everything foreign escaped
site                        writes the files
"""
