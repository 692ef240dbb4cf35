"""The site as a whole: loading what it shows, building every file, serving it, one-file reports."""
