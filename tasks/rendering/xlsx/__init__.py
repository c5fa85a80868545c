"""XLSX workbooks (ECMA-376 transitional), written part by part as a stream."""
