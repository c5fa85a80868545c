"""What a client asks for: whether it can become a task, and whether there is room for it."""
