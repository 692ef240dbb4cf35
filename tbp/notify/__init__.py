"""News of events, for people: who is told of which, in which words, by which way.

``news`` decides what a target does not know yet, ``messages`` puts an event in words, ``text``, ``slack``, ``payload``
and ``issue_text`` are its forms, ``hooks`` and ``issues`` send them and note what arrived.
"""
