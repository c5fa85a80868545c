"""Database support: connections, snapshots, streaming, triggers and SQL helpers."""
