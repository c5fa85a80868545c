"""Peers that the service is compared with, in their idiomatic use; run in `bench/.venv`."""
