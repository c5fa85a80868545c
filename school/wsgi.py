"""WSGI application served by gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from api.http.chunked_bodies import buffer_chunked_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "school.settings")

application = buffer_chunked_bodies(get_wsgi_application())
