"""Signals of the school records, for modules that cache what depends on them."""

from django.dispatch import Signal

access_changed = Signal()
"""Signal sent with `user` after a commit that may have changed what the user may see."""

second_factor_policy_changed = Signal()
"""Signal sent with `network`, in the transaction that changes what the network demands."""
