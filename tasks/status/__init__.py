"""What is told of a task: its document, where that is kept, and who may read it."""
