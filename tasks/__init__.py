"""Asking for a report and getting it made: nothing of HTTP."""
