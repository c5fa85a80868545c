"""What waits: in which order it is served, how soon, and the message that sends it off."""
