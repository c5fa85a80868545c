"""Report tasks: submission, building, status and maintenance, without any HTTP."""
