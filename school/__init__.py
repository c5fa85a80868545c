"""School records and grading rules, and the Django project around them."""

# Imported here so that `shared_task` binds to this app in every process.
from school.celery import app as celery_app

__all__ = ["celery_app"]
