"""Submission of report requests: validation, idempotency, quotas and acceptance."""
