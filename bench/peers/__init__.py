"""What we are measured against, each as its users would write it; run in `bench/.venv`."""
