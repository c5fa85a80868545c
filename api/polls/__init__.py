"""Polls of tasks, answered at the WSGI level without Django's middleware and views.

A poll that is not of the usual form, or that Redis alone cannot answer, goes to Django.
"""
