"""The ground floor of the report: the data that every page starts from, and rendering templates."""
