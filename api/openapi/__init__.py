"""OpenAPI document: operations, report kinds, examples and the guide."""
