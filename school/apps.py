"""The Django app of the school network's records."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from school import triggers


class SchoolConfig(AppConfig):
    name = "school"
    verbose_name = "School network"

    def ready(self) -> None:
        post_migrate.connect(triggers.install, sender=self)
