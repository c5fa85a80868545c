"""Running all of the service on one machine, with nothing installed but Python."""
