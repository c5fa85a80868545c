"""Conversion of the crests of schools and networks to PNG, in a sandbox."""
