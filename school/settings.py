"""Django settings; the only module that reads environment variables."""

import logging
import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from api.http import cors
from api.http.body_limits import BodyLimit
from api.openapi import config as openapi
from school.celery_settings import *  # noqa: F403  (settings of Celery)
from school.django_settings import *  # noqa: F403  (apps, middleware, templates)
from school.runtime import logging as runtime_logging
from school.runtime import redis_address, worker_status
from school.runtime.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(state_dir=BASE_DIR / "var")

# --- Identity -----------------------------------------------------------------------
VAR_DIR = env.state_dir
RENAMED_VARIABLES = env.find_renamed()
DEBUG = env.flag("DJANGO_DEBUG", False)
SECRET_KEY = env.secret("SECRET_KEY")
JWT_SIGNING_KEY = env.secret("JWT_SIGNING_KEY")
# Keys that sign nothing new: what they have signed stays valid while they are listed.
SECRET_KEY_FALLBACKS = env.str_list("SECRET_KEY_FALLBACKS", [])
JWT_FALLBACK_KEYS = env.str_list("JWT_FALLBACK_KEYS", [])
ABSENT_SECRETS = env.absent_secrets
PORT = env.integer("PORT", 8000)
# Address under which clients reach the service, and prefix of the links in task documents;
# empty means that the links are paths.
PUBLIC_URL = env.url("PUBLIC_URL")
SECURITY_CONTACT = env.str_list("SECURITY_CONTACT", [])

# --- Transport: PUBLIC_URL decides whether the service is behind TLS ------------------
_public_url = urlsplit(PUBLIC_URL)
IS_HTTPS = _public_url.scheme == "https"
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0)
# The loopback names are always allowed: health checks use them.
ALLOWED_HOSTS = [
    *env.str_list("ALLOWED_HOSTS", [_public_url.hostname or ""]),
    "localhost",
    "127.0.0.1",
    "[::1]",
]
CSRF_TRUSTED_ORIGINS = env.str_list(
    "CSRF_TRUSTED_ORIGINS", [f"https://{_public_url.netloc}"] if IS_HTTPS else []
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
# A client may send this header too; only a proxy in front overwrites it.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
)
# HttpsRedirectMiddleware redirects. Django's own redirect is off for every path, because
# it cannot exempt requests from this host.
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [""]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"  # the admin's CSRF check reads the header
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# HSTS for subdomains (W005) and in the browsers' preload lists (W021) would bind other
# sites of the same domain, which are not this service's to decide about.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# --- Passwords (apps, middleware and validators are in school/django_settings.py) ----
PASSWORD_RESET_TIMEOUT = env.integer("PASSWORD_LINK_HOURS", 72) * 3600

# --- Sessions, which only the admin uses ----------------------------------------------
ADMIN_IDLE_TIME = timedelta(minutes=env.integer("ADMIN_IDLE_MINUTES", 30))
# Longest life of a session, whether idle or not.
ADMIN_SESSION_LIFETIME = timedelta(hours=env.integer("ADMIN_SESSION_HOURS", 12))
# From the last time that the session was saved: at most once a minute.
SESSION_COOKIE_AGE = int(ADMIN_IDLE_TIME.total_seconds())

LANGUAGE_CODE = "pt-br"
LANGUAGES = [("pt-br", _("Brazilian Portuguese")), ("en", _("English"))]
TIME_ZONE = env.time_zone("TIME_ZONE", "America/Manaus")  # where no network has its own
USE_TZ = True

STATIC_URL = "/static/"
# Set where a container image has collected the static files.
STATIC_ROOT = env.text("STATIC_ROOT", "") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None  # a checkout needs no collectstatic
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Data ---------------------------------------------------------------------------
DATABASES = {
    "default": env.database("DATABASE_URL"),
    # The same database for the reads of a report: one consistent, read-only view.
    "snapshot": env.database("DATABASE_URL", is_snapshot=True),
}
DATABASE_ROUTERS = ["school.db.snapshot.SnapshotRouter"]
ARTIFACTS_DIR = VAR_DIR / "artifacts"

# --- Redis and Celery (the rest is in school/celery_settings.py) ----------------------
REDIS_URL = env.redis("REDIS_URL")
# Celery's transport and backend read REDIS_URL themselves: no command of Celery can print a
# password that Celery does not know.
CELERY_BROKER_URL = redis_address.without_credentials(REDIS_URL)
CELERY_BROKER_TRANSPORT = "tasks.redis_store.transport:Transport"
CELERY_RESULT_BACKEND = "tasks.redis_store.result_backend:ResultBackend"
CELERY_TIMEZONE = TIME_ZONE
# Signs what the service reads back from Redis. It needs no fallback when it is changed:
# what does not verify is written anew.
REDIS_SIGNING_KEY = env.secret("REDIS_SIGNING_KEY")
HAS_EXTERNAL_REDIS = env.is_set("REDIS_URL")

# Written by the dispatcher, read by the supervisor and the probes of workers.
WORKER_STATUS_FILE = VAR_DIR / worker_status.FILE_NAME

# --- Reports ------------------------------------------------------------------------
REPORT_PACKAGES = env.str_list("REPORT_PACKAGES", ["tasks.reports"])
INLINE_RESULT_BYTES = env.integer("INLINE_RESULT_BYTES", 256 * 1024)
LEASE_SECONDS = env.integer("LEASE_SECONDS", 15)
HEARTBEAT_SECONDS = max(1, LEASE_SECONDS // 3)
# Time for running reports when a worker shuts down; less than its supervisor waits.
SHUTDOWN_GRACE_SECONDS = env.integer("SHUTDOWN_GRACE_SECONDS", 10)
REPORT_MEMORY_LIMIT_BYTES = env.integer("REPORT_MEMORY_LIMIT_MB", 384) * 1024 * 1024
# Typesetter processes of one report, each using one CPU core.
PDF_PROCESSES = env.integer("PDF_PROCESSES", os.cpu_count() or 1)
# Retention, counted from the end of the task: parameters and results; the task row; its
# tombstone; the access log (five years); the history of grades (five years).
ARTIFACT_TTL = timedelta(days=env.integer("ARTIFACT_TTL_DAYS", 7))
TASK_TTL = timedelta(days=env.integer("TASK_TTL_DAYS", 90))
TOMBSTONE_TTL = timedelta(days=365)
ACCESS_LOG_TTL = timedelta(days=env.integer("ACCESS_LOG_TTL_DAYS", 1826))
GRADE_HISTORY_TTL = timedelta(days=env.integer("GRADE_HISTORY_TTL_DAYS", 1826))
# Management commands that purge the tables of third-party apps.
HOUSEKEEPING_COMMANDS = ["clearsessions"]
# Maximum messages per queue; further tasks wait as rows in the database.
MAX_PUBLISHED_PER_QUEUE = env.integer("MAX_PUBLISHED_PER_QUEUE", 16)
REPUBLISH_AFTER_SECONDS = env.integer("REPUBLISH_AFTER_SECONDS", 10)
# Queued and running tasks of one user, by role.
MAX_ACTIVE_PER_ROLE = env.integers(
    "MAX_ACTIVE_PER_ROLE",
    {"administrator": 1000, "staff": 1000, "teacher": 200, "guardian": 20},
)
MAX_QUEUED = env.integer("MAX_QUEUED", 10_000)  # per queue
# Size of all stored results of one user.
MAX_RESULT_BYTES_PER_USER = env.integer("MAX_RESULT_BYTES_PER_USER", 2 * 1024**3)
# Free space on the artifact volume below which no report is accepted.
MIN_FREE_DISK_BYTES = env.integer("MIN_FREE_DISK_MB", 500) * 1024 * 1024

# --- API ----------------------------------------------------------------------------
MAX_REQUEST_BYTES = 64 * 1024
# Paths that accept more; the first prefix that matches counts.
BODY_LIMITS = [BodyLimit("/admin/", max_bytes=1024 * 1024)]  # a form with a crest
MAX_BODY_SECONDS = max(1, env.integer("MAX_BODY_SECONDS", 30))
# Above the limits of all forms, so that none is written to a file.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
MAX_CONNECTIONS_PER_IP = env.integer("MAX_CONNECTIONS_PER_IP", 1000)  # per web process
MAX_SUBMITS_IN_FLIGHT = env.integer("MAX_SUBMITS_IN_FLIGHT", 3)  # per user and process
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.auth.authentication.UserAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "api.auth.permissions.HasChosenPassword",
        "api.auth.permissions.HasDemandedSecondFactor",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.http.parsers.BoundedJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.http.negotiation.SingleMediaType",
    "DEFAULT_SCHEMA_CLASS": "api.openapi.operations.ApiAutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    # None would let clients forge their address with X-Forwarded-For.
    "NUM_PROXIES": TRUSTED_PROXIES,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "api.problems.handler.ProblemHandler",
    "EXCEPTION_FORMATTER_CLASS": "api.problems.handler.ProblemFormatter",
    "NESTED_FIELD_SEPARATOR": "/",
}
# Wrong passwords from an address per minute, of whatever users.
LOGIN_ATTEMPTS_PER_IP = env.integer("LOGIN_ATTEMPTS_PER_IP", 120)
# Wrong passwords of a user from an address in five minutes.
LOGIN_FAILURES_PER_USER = env.integer("LOGIN_FAILURES_PER_USER", 10)
ACCESS_TOKEN_LIFETIME = timedelta(minutes=env.integer("ACCESS_TOKEN_MINUTES", 10))
REFRESH_TOKEN_LIFETIME = timedelta(days=14)
# A session ends this long after its log-in, however often it is refreshed.
SESSION_MAX_LIFETIME = timedelta(days=env.integer("SESSION_MAX_DAYS", 90))
RESULT_LINK_LIFETIME = timedelta(minutes=env.integer("RESULT_LINK_MINUTES", 5))
CORS_ALLOWED_ORIGINS = cors.validate_origins(
    "CORS_ALLOWED_ORIGINS", env.str_list("CORS_ALLOWED_ORIGINS", [])
)
CORS_ALLOW_METHODS = cors.METHODS
CORS_ALLOW_HEADERS = cors.REQUEST_HEADERS
CORS_EXPOSE_HEADERS = cors.RESPONSE_HEADERS
CONTENT_SECURITY_POLICY = openapi.CONTENT_SECURITY_POLICY
RELEASE = env.read_version(BASE_DIR / "CHANGELOG.md")
SPECTACULAR_SETTINGS = openapi.spectacular_settings(
    version=RELEASE,
    persist_authorization=DEBUG,  # Swagger UI would keep tokens in the browser's storage
)

# --- Logging ------------------------------------------------------------------------
LOGGING = runtime_logging.configure(level=env.text("LOG_LEVEL", "INFO"))
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# One line per request, when it ends.
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
