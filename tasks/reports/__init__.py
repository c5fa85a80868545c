"""The kinds of report, one file each, named after it."""
