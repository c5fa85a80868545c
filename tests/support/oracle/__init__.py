"""Independent oracle of the figures: plain loops and fractions, simple queries only.

`grading` and `rounding` repeat the rules on plain numbers, with rules as JSON; the other
modules read the records and use them. Nothing here imports code that computes figures.
"""
