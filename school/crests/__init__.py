"""The crests that schools and networks put on their papers: what one may be, and whose it is."""
