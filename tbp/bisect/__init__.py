"""The commit that made a benchmark slower: a binary search whose judge is pairs of commits measured in turns."""
