"""Two stored commits → a ``Comparison``, and its forms: terminal table, Markdown, JUnit XML, JSON."""
