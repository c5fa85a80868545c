"""HTTP mechanics: middleware, negotiation, pagination, long polling and byte ranges."""
