"""Views, one module per group of paths."""
