"""The page of compressed models: what each variant costs in time, bytes and error."""
