"""The Django apps of the school network's records and of the admin."""

from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register
from django.db.models.signals import post_migrate

from school.db import triggers


class SchoolConfig(AppConfig):
    default = True  # of the two here
    name = "school"
    verbose_name = "School network"

    def ready(self) -> None:
        post_migrate.connect(triggers.install_triggers, sender=self)


class AdminConfig(SimpleAdminConfig):
    """The admin, whose pages `school.urls` looks for: they are 5 MB no worker has use for."""

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(check_admin_site, Tags.admin)


def check_admin_site(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Django's check of the admin, which passes over pages that nobody has looked for yet."""
    admin.autodiscover()
    return check_admin_app(app_configs, **options)
