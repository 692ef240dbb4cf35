"""The page of claims: what the benchmarks say of each practice, how it grows, and the defects of naive code."""
