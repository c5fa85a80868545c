"""Report worker: claims a task, renews its lease, builds the report and settles it."""
