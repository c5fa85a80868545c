"""Authentication: tokens, signed links and login throttles."""
