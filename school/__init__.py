"""The school network's records and rules, and the Django project around them."""

# Imported with the package, so that `shared_task` binds to it in every process.
from school.celery import app as celery_app

__all__ = ["celery_app"]
