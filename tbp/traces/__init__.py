"""A profiler trace file → its operators → what differs between two sides.

``read`` turns one Chrome-format file into columns, ``operators`` the columns into a table of operators per step,
``kernels`` says which operator launched what ran on the device, and ``difference`` compares the sessions of two
commits. Nothing here imports torch: traces are read where there is none.
"""
