"""Independent oracle of the figures: plain loops and fractions, simple queries only."""
