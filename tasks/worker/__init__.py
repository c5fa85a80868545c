"""Making a report in a worker: claimed, kept alive, written, settled."""
