"""The contract as the OpenAPI document tells it: each operation, the kinds, examples, a guide."""
