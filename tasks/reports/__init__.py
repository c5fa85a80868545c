"""Report kinds, one module per kind; the module's name is the kind's name in the API."""
