"""The Django app of the school network's records."""

from django.apps import AppConfig


class SchoolConfig(AppConfig):
    name = "school"
    verbose_name = "School network"
