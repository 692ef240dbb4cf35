"""Work that is shared out: the same function over many items, here or in several processes, with the same result."""
