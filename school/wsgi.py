"""WSGI application served by gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from api.http.request_bodies import limit_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")

application = limit_bodies(get_wsgi_application())
