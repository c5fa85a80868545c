"""Kinds of report for tests only: slow, failing, hanging and killing ones."""
