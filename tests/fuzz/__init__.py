"""Fuzzing of the API contract with thousands of generated requests per role."""
