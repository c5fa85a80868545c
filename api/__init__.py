"""HTTP API: views, serializers, authentication and the OpenAPI document."""
