"""The HTTP face: validate, call, answer."""
