"""A demo school network: invented, the same every time, of any size."""
