"""asv's result files, sessions and plugins, and asv as a program. Everything that knows asv's formats is here."""
