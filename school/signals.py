"""What the records announce to whoever keeps copies of them."""

from django.dispatch import Signal

access_changed = Signal()
"""Sent with `user`, after the commit that may have changed what the user may see."""
