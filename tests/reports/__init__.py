"""Kinds of report that only tests ask for: they run, fail and kill at will."""
