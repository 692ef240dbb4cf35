"""A job of GitHub or GitLab: which commits it is about, and what it is to be told of a comparison."""
