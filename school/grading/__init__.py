"""The rules by which a year's figures become results: pure, exact, and able to explain themselves."""
