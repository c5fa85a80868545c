"""Demo school network: invented, reproducible and of any size."""
