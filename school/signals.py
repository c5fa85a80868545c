"""Signals of the school records, for modules that cache what depends on them."""

from django.dispatch import Signal

access_changed = Signal()
"""Signal sent with `user` after a commit that may have changed what the user may see."""
