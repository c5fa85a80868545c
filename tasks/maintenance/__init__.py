"""Background maintenance: publishing, lease recovery, resync and retention."""
