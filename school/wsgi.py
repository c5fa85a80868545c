"""WSGI application served by gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from api.http.request_bodies import limit_bodies
from school.runtime import startup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")

startup.make_files_private()
django_application = get_wsgi_application()

from api.polls.wsgi import answer_polls  # noqa: E402  (needs the loaded apps)

application = limit_bodies(answer_polls(django_application))
startup.refuse_unsafe_settings(
    secrets=("SECRET_KEY", "JWT_SIGNING_KEY", "REDIS_SIGNING_KEY")
)
startup.refuse_unusable_database()
