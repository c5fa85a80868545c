"""Settings of the plain Django REST framework on the database of the service.

It runs in the environment of the service, whose models it uses, with the middlewares of
`startproject` and a plain pool of connections: persistent ones would be opened anew for each
connection of a client, because under gevent each has a greenlet of its own.
"""

from typing import Any

from bench.peers import django_settings
from school.settings import *  # noqa: F403
from school.settings import DATABASES as SERVICE_DATABASES

ROOT_URLCONF = "bench.peers.plain_service"
MIDDLEWARE = django_settings.MIDDLEWARE
REST_FRAMEWORK = django_settings.REST_FRAMEWORK | {  # type: ignore[assignment]
    "DEFAULT_AUTHENTICATION_CLASSES": ["bench.peers.plain_tokens.RowAuthentication"],
    "NUM_PROXIES": 0,  # read by modules of the service
}
_DATABASE: dict[str, Any] = SERVICE_DATABASES["default"]
_OPTIONS = _DATABASE["OPTIONS"] | {"pool": {"min_size": 8, "max_size": 8}}
DATABASES = SERVICE_DATABASES | {"default": _DATABASE | {"OPTIONS": _OPTIONS}}
LOGGING = {"version": 1}
