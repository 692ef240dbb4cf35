"""``tbp export``: traces as other viewers want them.

document        a trace file's text → its events one by one, repaired
tensorboard     events → what torch-tb-profiler understands
files           where the copies go, and writing them
"""
