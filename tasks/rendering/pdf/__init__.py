"""PDF rendering: sections, page layout, typesetting and merging."""
