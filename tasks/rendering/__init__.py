"""A report as a table: columns and rows, where these come from, and what formats share about them."""
