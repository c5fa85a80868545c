"""Django app of the HTTP API."""

from importlib import import_module

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API"

    def ready(self) -> None:
        import_module("api.auth.checks")  # registers the checks
