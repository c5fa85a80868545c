"""Figures of every report kind, compared with an independent oracle."""
