"""Demonstrations of what naive snippets of Transformer code get wrong, beside the right ones; see ``registry``."""
