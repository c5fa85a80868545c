"""Base classes of reports, their parameters and their registry."""
