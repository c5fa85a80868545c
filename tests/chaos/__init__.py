"""The chaos run: real processes, real load, real faults, and a verdict from outside."""
