"""Chaos run: real processes under load, injected faults, and checks from outside the service."""
