"""Queues of tasks: fair order, publishing, durations and queue positions."""
