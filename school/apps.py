"""Django app configurations of the school records and the admin."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from school import write_context
from school.db import consistency_triggers, level_key_triggers, triggers


class SchoolConfig(AppConfig):
    default = True  # this module defines two configurations
    name = "school"
    verbose_name = "School network"

    def ready(self) -> None:
        import_module("school.checks")  # registers them
        import_module("school.db.name_search")  # registers its lookup
        post_migrate.connect(triggers.install_triggers, sender=self)
        post_migrate.connect(consistency_triggers.install_triggers, sender=self)
        post_migrate.connect(level_key_triggers.install_triggers, sender=self)
        post_migrate.connect(consistency_triggers.report_mismatches, sender=self)
        connection_created.connect(write_context.prepare_connection)
        audit_triggers = import_module("school.db.audit_triggers")  # reads the models
        post_migrate.connect(audit_triggers.install_audit_triggers, sender=self)
        # The permissions of this app are there once those of `auth`, a later app, are made.
        post_migrate.connect(install_groups, sender=apps.get_app_config("auth"))


def install_groups(using: str, **_: Any) -> None:
    """Create the shipped groups; the admin is imported only here, since it takes memory."""
    import_module("school.admin.groups").install_network_managers(using)


class AdminConfig(SimpleAdminConfig):
    """Admin without autodiscovery: `school.urls` does it, which saves each worker 5 MB."""

    default_site = "school.admin_site.SchoolAdminSite"

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(check_admin_site, Tags.admin)


def check_admin_site(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Discover the admin modules, then run Django's admin check on them."""
    admin.autodiscover()
    return check_admin_app(app_configs, **options)
