"""Numbers and verdicts as plain text, for the terminal, HTML, Markdown and JSON alike."""
