"""Task status: the task document, its projection into Redis, and access to it."""
