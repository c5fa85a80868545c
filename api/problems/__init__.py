"""Problem documents (RFC 9457): the registry of codes and the exception handler."""
