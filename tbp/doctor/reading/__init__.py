"""From the files and programs of the system to facts; each fact that is not there is noted with its reason."""
