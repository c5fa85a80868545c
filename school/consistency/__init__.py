"""Rules about which records belong together, checked by forms and by the database."""
