"""Every figure of every kind, against one computed anew from what the figures mean."""
