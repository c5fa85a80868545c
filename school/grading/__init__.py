"""Pure, exact grading rules that turn a year's grades and days into explained results."""
