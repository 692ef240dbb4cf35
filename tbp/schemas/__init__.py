"""JSON Schemas of the JSON that tbp writes and the TOML that it reads; tools/schemas.py makes them from the code."""
