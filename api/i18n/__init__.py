"""Languages of the API and translations of library messages."""
