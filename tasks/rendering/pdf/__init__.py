"""Tables on paper: parts, pages, and the PDF they are bound into."""
