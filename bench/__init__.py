"""Benchmarks against other tools, run interleaved on one machine and compared by ratio."""
