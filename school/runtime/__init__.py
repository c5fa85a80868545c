"""Support for running the whole service on one machine with only Python installed."""
