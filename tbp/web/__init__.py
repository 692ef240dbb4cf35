"""Requests over HTTP: the one room that sends any, for ``tbp notify`` and ``tbp ci comment``; git has ways of its own.

``secret`` keeps tokens and addresses out of every text, ``http`` sends one request with bounds and retries, ``github``
and ``gitlab`` know their interfaces, ``sticky`` keeps one comment up to date. The standard library does it: a dozen
requests a night are no reason for one more dependency that sees the project's tokens.
"""
