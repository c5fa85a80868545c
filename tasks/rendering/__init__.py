"""Report tables (columns, rows, query sources) and the code that formats share."""
